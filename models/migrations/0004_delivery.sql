-- How people want to be reached, and what became of what they were told.

ALTER TABLE users ADD COLUMN reach VARCHAR(2000);
ALTER TABLE rules ADD COLUMN pause_days INT NOT NULL DEFAULT 5;

ALTER TABLE notifications ADD COLUMN urgency VARCHAR(16) NOT NULL DEFAULT 'normal';
ALTER TABLE notifications ADD COLUMN route VARCHAR(255);
ALTER TABLE notifications ADD COLUMN fallback_of BIGINT NOT NULL DEFAULT 0;
ALTER TABLE notifications ADD COLUMN digest_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE notifications ADD COLUMN silence_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE notifications ADD COLUMN failing_since $TIME;
ALTER TABLE notifications ADD COLUMN handed_at $TIME;
ALTER TABLE notifications ADD COLUMN receipt_due_at $TIME;
ALTER TABLE notifications ADD COLUMN receipt_code VARCHAR(64) NOT NULL DEFAULT '';
ALTER TABLE notifications ADD COLUMN delivered_at $TIME;
ALTER TABLE notifications ADD COLUMN wording INT NOT NULL DEFAULT 0;
ALTER TABLE notifications ADD COLUMN parts INT NOT NULL DEFAULT 0;
ALTER TABLE notifications ADD COLUMN cost BIGINT NOT NULL DEFAULT 0;
CREATE INDEX ix_notifications_recipient ON notifications (recipient_id, state, id);
CREATE INDEX ix_notifications_receipt ON notifications (receipt_due_at, id);
CREATE INDEX ix_notifications_digest ON notifications (digest_id, id);
CREATE INDEX ix_notifications_fallback ON notifications (fallback_of);

CREATE TABLE silences (
    id            $ID,
    created_at    $TIME NOT NULL,
    updated_at    $TIME NOT NULL,
    kind          VARCHAR(16) NOT NULL,
    unit_id       BIGINT NOT NULL DEFAULT 0,
    project_id    BIGINT NOT NULL DEFAULT 0,
    obligation_id BIGINT NOT NULL DEFAULT 0,
    recipient_id  BIGINT NOT NULL DEFAULT 0,
    duty_kind     VARCHAR(32) NOT NULL DEFAULT '',
    channel       VARCHAR(16) NOT NULL DEFAULT '',
    reason        VARCHAR(255) NOT NULL,
    author_id     BIGINT NOT NULL,
    owner_id      BIGINT NOT NULL DEFAULT 0,
    starts_at     $TIME NOT NULL,
    ends_at       $TIME,
    ended_by      BIGINT NOT NULL DEFAULT 0,
    version       BIGINT NOT NULL DEFAULT 0
) $OPTIONS;
CREATE INDEX ix_silences_end ON silences (ends_at);

CREATE TABLE acknowledgements (
    id            $ID,
    created_at    $TIME NOT NULL,
    updated_at    $TIME NOT NULL,
    obligation_id BIGINT NOT NULL,
    user_id       BIGINT NOT NULL,
    audience      VARCHAR(16) NOT NULL,
    acked_on      DATE NOT NULL,
    until_on      DATE NOT NULL,
    note          VARCHAR(255) NOT NULL,
    CONSTRAINT uq_acknowledgements UNIQUE (obligation_id, user_id, acked_on)
) $OPTIONS;
CREATE INDEX ix_acknowledgements_until ON acknowledgements (obligation_id, until_on);

-- One row for each part of a message that a provider has given an id. A
-- receipt may come before the id is on record, then it names no message yet.
CREATE TABLE receipts (
    id              $ID,
    created_at      $TIME NOT NULL,
    updated_at      $TIME NOT NULL,
    channel         VARCHAR(16) NOT NULL,
    provider_id     VARCHAR(190) NOT NULL,
    notification_id BIGINT NOT NULL DEFAULT 0,
    state           VARCHAR(16) NOT NULL,
    code            VARCHAR(64) NOT NULL DEFAULT '',
    at              $TIME,
    CONSTRAINT uq_receipts UNIQUE (channel, provider_id)
) $OPTIONS;
CREATE INDEX ix_receipts_message ON receipts (notification_id);

-- What all replicas know of a channel.
CREATE TABLE channel_states (
    channel       VARCHAR(16) PRIMARY KEY,
    created_at    $TIME NOT NULL,
    updated_at    $TIME NOT NULL,
    failing_since $TIME,
    error         VARCHAR(255) NOT NULL DEFAULT '',
    sent_at       $TIME
) $OPTIONS;

-- What has been sent lately, for limits that all replicas share.
CREATE TABLE channel_uses (
    id         $ID,
    created_at $TIME NOT NULL,
    updated_at $TIME NOT NULL,
    channel    VARCHAR(16) NOT NULL,
    who        VARCHAR(64) NOT NULL
) $OPTIONS;
CREATE INDEX ix_channel_uses ON channel_uses (channel, who, created_at);
CREATE INDEX ix_channel_uses_at ON channel_uses (channel, created_at);

-- Rows that are locked so that only one replica at a time does what they name.
CREATE TABLE locks (
    name       VARCHAR(64) PRIMARY KEY
) $OPTIONS;
INSERT INTO locks (name) VALUES ('outbox');

CREATE TABLE wordings (
    id           $ID,
    created_at   $TIME NOT NULL,
    updated_at   $TIME NOT NULL,
    template     VARCHAR(64) NOT NULL,
    language     VARCHAR(8) NOT NULL,
    form         VARCHAR(16) NOT NULL,
    number       INT NOT NULL,
    source       $LONGTEXT NOT NULL,
    published_by VARCHAR(64) NOT NULL,
    CONSTRAINT uq_wordings UNIQUE (template, language, form, number)
) $OPTIONS;

CREATE TABLE calendar_feeds (
    id         $ID,
    created_at $TIME NOT NULL,
    updated_at $TIME NOT NULL,
    user_id    BIGINT NOT NULL,
    unit_id    BIGINT NOT NULL DEFAULT 0,
    token_hash VARCHAR(64) NOT NULL,
    revoked_at $TIME,
    used_at    $TIME,
    CONSTRAINT uq_calendar_feeds UNIQUE (token_hash)
) $OPTIONS;
CREATE INDEX ix_calendar_feeds_user ON calendar_feeds (user_id, id);

-- What should have been said and was not, as the daily audit found. A task of a
-- workflow has its instance and number, a reminder has 0.
CREATE TABLE gaps (
    id            $ID,
    created_at    $TIME NOT NULL,
    updated_at    $TIME NOT NULL,
    obligation_id BIGINT NOT NULL,
    instance_id   BIGINT NOT NULL DEFAULT 0,
    task          INT NOT NULL DEFAULT 0,
    recipient_id  BIGINT NOT NULL,
    day           DATE NOT NULL,
    problem       VARCHAR(32) NOT NULL,
    notification_id BIGINT NOT NULL DEFAULT 0,
    closed_at     $TIME,
    closed_why    VARCHAR(32) NOT NULL DEFAULT '',
    CONSTRAINT uq_gaps UNIQUE (obligation_id, instance_id, task, recipient_id, day, problem)
) $OPTIONS;
CREATE INDEX ix_gaps_open ON gaps (closed_at, id);
