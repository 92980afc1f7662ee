CREATE TABLE obligations (
    id            $ID,
    created_at    $TIME NOT NULL,
    updated_at    $TIME NOT NULL,
    subject       VARCHAR(24) NOT NULL,
    unit_id       BIGINT NOT NULL,
    project_id    BIGINT NOT NULL DEFAULT 0,
    fiscal_year   INT NOT NULL,
    kind          VARCHAR(32) NOT NULL,
    sequence      INT NOT NULL DEFAULT 0,
    title         VARCHAR(255) NOT NULL,
    due_on        DATE NOT NULL,
    period_from   DATE,
    percent       BIGINT NOT NULL DEFAULT 0,
    amount        BIGINT NOT NULL DEFAULT 0,
    state         VARCHAR(16) NOT NULL,
    light         VARCHAR(16) NOT NULL,
    settled_on    DATE,
    done_on       DATE,
    done_by       VARCHAR(64) NOT NULL DEFAULT '',
    done_note     TEXT NOT NULL,
    checked_on    DATE,
    next_check_on DATE,
    source        $LONGTEXT NOT NULL,
    version       BIGINT NOT NULL DEFAULT 0,
    CONSTRAINT uq_obligations UNIQUE (subject, kind, due_on, sequence)
) $OPTIONS;
CREATE INDEX ix_obligations_check ON obligations (next_check_on, id);
CREATE INDEX ix_obligations_project ON obligations (project_id, due_on);
CREATE INDEX ix_obligations_due ON obligations (due_on, id);
CREATE INDEX ix_obligations_state ON obligations (state, due_on, id);

CREATE TABLE rules (
    id          $ID,
    created_at  $TIME NOT NULL,
    updated_at  $TIME NOT NULL,
    kind        VARCHAR(32) NOT NULL,
    unit_id     BIGINT NOT NULL DEFAULT 0,
    project_id  BIGINT NOT NULL DEFAULT 0,
    enabled     BOOLEAN NOT NULL,
    steps       TEXT,
    workflow    VARCHAR(64) NOT NULL,
    blue_over   BIGINT NOT NULL,
    yellow_over BIGINT NOT NULL,
    red_over    BIGINT NOT NULL,
    version     BIGINT NOT NULL DEFAULT 0,
    CONSTRAINT uq_rules_scope UNIQUE (kind, unit_id, project_id)
) $OPTIONS;

CREATE TABLE schedules (
    id         $ID,
    created_at $TIME NOT NULL,
    updated_at $TIME NOT NULL,
    job        VARCHAR(64) NOT NULL,
    cron       VARCHAR(128) NOT NULL,
    time_zone  VARCHAR(64) NOT NULL,
    enabled    BOOLEAN NOT NULL,
    misfire    VARCHAR(16) NOT NULL,
    version    BIGINT NOT NULL DEFAULT 0,
    CONSTRAINT uq_schedules_job UNIQUE (job)
) $OPTIONS;

CREATE TABLE job_runs (
    id           $ID,
    created_at   $TIME NOT NULL,
    updated_at   $TIME NOT NULL,
    job          VARCHAR(64) NOT NULL,
    scheduled_at $TIME NOT NULL,
    started_at   $TIME,
    ended_at     $TIME,
    state        VARCHAR(16) NOT NULL,
    counts       TEXT,
    error        TEXT NOT NULL,
    CONSTRAINT uq_job_runs_fire UNIQUE (job, scheduled_at)
) $OPTIONS;

CREATE TABLE notifications (
    id              $ID,
    created_at      $TIME NOT NULL,
    updated_at      $TIME NOT NULL,
    dedup_key       VARCHAR(190) NOT NULL,
    obligation_id   BIGINT NOT NULL,
    recipient_id    BIGINT NOT NULL,
    channel         VARCHAR(16) NOT NULL,
    day             DATE NOT NULL,
    template        VARCHAR(64) NOT NULL,
    language        VARCHAR(8) NOT NULL,
    payload         $LONGTEXT NOT NULL,
    state           VARCHAR(16) NOT NULL,
    reason          VARCHAR(64) NOT NULL DEFAULT '',
    attempts        INT NOT NULL DEFAULT 0,
    next_attempt_at $TIME NOT NULL,
    lease_token     VARCHAR(64) NOT NULL DEFAULT '',
    lease_until     $TIME,
    uncertain       INT NOT NULL DEFAULT 0,
    provider_id     VARCHAR(255) NOT NULL DEFAULT '',
    sent_at         $TIME,
    last_error      TEXT NOT NULL,
    CONSTRAINT uq_notifications_dedup UNIQUE (dedup_key)
) $OPTIONS;
CREATE INDEX ix_notifications_due ON notifications (state, next_attempt_at, id);
CREATE INDEX ix_notifications_lease ON notifications (lease_token);
CREATE INDEX ix_notifications_obligation ON notifications (obligation_id);
CREATE INDEX ix_notifications_day ON notifications (day, id);
