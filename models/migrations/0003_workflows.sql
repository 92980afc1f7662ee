ALTER TABLE obligations ADD COLUMN first_due_on DATE;
ALTER TABLE rules ADD COLUMN opens_at INT;
ALTER TABLE notifications ADD COLUMN instance_id BIGINT NOT NULL DEFAULT 0;
CREATE INDEX ix_notifications_instance ON notifications (instance_id);

-- The days on which the built-in rules open their workflows by themselves.
UPDATE rules SET opens_at = 1 WHERE workflow = 'corrective_action' AND opens_at IS NULL;
UPDATE rules SET opens_at = -60 WHERE workflow = 'refinement' AND opens_at IS NULL;
UPDATE rules SET opens_at = -30 WHERE workflow = 'monitoring' AND opens_at IS NULL;
UPDATE rules SET opens_at = -45 WHERE workflow = 'self_evaluation' AND opens_at IS NULL;
UPDATE rules SET opens_at = -15 WHERE workflow = 'rectification' AND opens_at IS NULL;

-- What has been checked already may need a workflow: the next sweep looks again.
UPDATE obligations SET next_check_on = checked_on WHERE checked_on IS NOT NULL AND settled_on IS NULL AND state <> 'waived';

CREATE TABLE workflow_definitions (
    id           $ID,
    created_at   $TIME NOT NULL,
    updated_at   $TIME NOT NULL,
    workflow     VARCHAR(64) NOT NULL,
    number       INT NOT NULL,
    source       $LONGTEXT NOT NULL,
    published_by VARCHAR(64) NOT NULL,
    CONSTRAINT uq_workflow_definitions UNIQUE (workflow, number)
) $OPTIONS;

-- open_for is the duty's id while the instance runs, and NULL, which is never
-- a duplicate, from its end on.
CREATE TABLE workflow_instances (
    id             $ID,
    created_at     $TIME NOT NULL,
    updated_at     $TIME NOT NULL,
    workflow       VARCHAR(64) NOT NULL,
    number         INT NOT NULL,
    obligation_id  BIGINT NOT NULL,
    open_for       BIGINT,
    unit_id        BIGINT NOT NULL,
    project_id     BIGINT NOT NULL DEFAULT 0,
    fiscal_year    INT NOT NULL,
    title          VARCHAR(255) NOT NULL,
    applicant_id   BIGINT NOT NULL DEFAULT 0,
    step           VARCHAR(64) NOT NULL,
    outcome        VARCHAR(16) NOT NULL DEFAULT '',
    suspended      BOOLEAN NOT NULL DEFAULT FALSE,
    ended_at       $TIME,
    ended_by       BIGINT NOT NULL DEFAULT 0,
    sequence       BIGINT NOT NULL,
    state          $LONGTEXT NOT NULL,
    CONSTRAINT uq_workflow_instances_open UNIQUE (open_for, workflow)
) $OPTIONS;
CREATE INDEX ix_workflow_instances_duty ON workflow_instances (obligation_id, workflow, id);
CREATE INDEX ix_workflow_instances_applicant ON workflow_instances (applicant_id, id);
CREATE INDEX ix_workflow_instances_outcome ON workflow_instances (outcome, id);

CREATE TABLE workflow_tasks (
    id          $ID,
    created_at  $TIME NOT NULL,
    updated_at  $TIME NOT NULL,
    instance_id BIGINT NOT NULL,
    task        INT NOT NULL,
    version     BIGINT NOT NULL,
    step        VARCHAR(64) NOT NULL,
    state       VARCHAR(16) NOT NULL,
    assignee_id BIGINT NOT NULL DEFAULT 0,
    lender_id   BIGINT NOT NULL DEFAULT 0,
    acted_by    BIGINT NOT NULL DEFAULT 0,
    acted_for   BIGINT NOT NULL DEFAULT 0,
    touched_at  $TIME NOT NULL,
    due_on      DATE,
    overdue     BOOLEAN NOT NULL DEFAULT FALSE,
    CONSTRAINT uq_workflow_tasks UNIQUE (instance_id, task)
) $OPTIONS;
CREATE INDEX ix_workflow_tasks_assignee ON workflow_tasks (assignee_id, state, id);
CREATE INDEX ix_workflow_tasks_lender ON workflow_tasks (lender_id, state);
CREATE INDEX ix_workflow_tasks_acted ON workflow_tasks (acted_by, id);
CREATE INDEX ix_workflow_tasks_acted_for ON workflow_tasks (acted_for, id);
CREATE INDEX ix_workflow_tasks_overdue ON workflow_tasks (overdue, state, id);

CREATE TABLE workflow_actions (
    id          $ID,
    created_at  $TIME NOT NULL,
    updated_at  $TIME NOT NULL,
    instance_id BIGINT NOT NULL,
    sequence    BIGINT NOT NULL,
    kind        VARCHAR(32) NOT NULL,
    by_id       BIGINT NOT NULL DEFAULT 0,
    for_id      BIGINT NOT NULL DEFAULT 0,
    at          $TIME NOT NULL,
    task        INT NOT NULL DEFAULT 0,
    step        VARCHAR(64) NOT NULL DEFAULT '',
    comment     TEXT NOT NULL,
    detail      $LONGTEXT NOT NULL,
    CONSTRAINT uq_workflow_actions UNIQUE (instance_id, sequence)
) $OPTIONS;

CREATE TABLE workflow_copies (
    id          $ID,
    created_at  $TIME NOT NULL,
    updated_at  $TIME NOT NULL,
    instance_id BIGINT NOT NULL,
    user_id     BIGINT NOT NULL,
    read_at     $TIME,
    CONSTRAINT uq_workflow_copies UNIQUE (instance_id, user_id)
) $OPTIONS;
CREATE INDEX ix_workflow_copies_user ON workflow_copies (user_id, id);

CREATE TABLE workflow_timers (
    id              $ID,
    created_at      $TIME NOT NULL,
    updated_at      $TIME NOT NULL,
    instance_id     BIGINT NOT NULL,
    task            INT NOT NULL,
    rung            INT NOT NULL,
    state           VARCHAR(16) NOT NULL,
    fire_at         $TIME NOT NULL,
    attempts        INT NOT NULL DEFAULT 0,
    lease_token     VARCHAR(64) NOT NULL DEFAULT '',
    lease_until     $TIME,
    last_error      TEXT NOT NULL,
    CONSTRAINT uq_workflow_timers UNIQUE (instance_id, task)
) $OPTIONS;
CREATE INDEX ix_workflow_timers_due ON workflow_timers (state, fire_at, id);
CREATE INDEX ix_workflow_timers_lease ON workflow_timers (lease_token);

CREATE TABLE delegations (
    id         $ID,
    created_at $TIME NOT NULL,
    updated_at $TIME NOT NULL,
    from_id    BIGINT NOT NULL,
    to_id      BIGINT NOT NULL,
    first_day  DATE NOT NULL,
    last_day   DATE NOT NULL,
    workflows  TEXT,
    reason     VARCHAR(255) NOT NULL,
    revoked_at $TIME,
    version    BIGINT NOT NULL DEFAULT 0
) $OPTIONS;
CREATE INDEX ix_delegations_last ON delegations (last_day, from_id);

CREATE TABLE due_date_changes (
    id            $ID,
    created_at    $TIME NOT NULL,
    updated_at    $TIME NOT NULL,
    obligation_id BIGINT NOT NULL,
    instance_id   BIGINT NOT NULL,
    was           DATE NOT NULL,
    due_on        DATE NOT NULL,
    reason        TEXT NOT NULL
) $OPTIONS;
CREATE INDEX ix_due_date_changes_duty ON due_date_changes (obligation_id, id);

CREATE TABLE budget_revisions (
    id          $ID,
    created_at  $TIME NOT NULL,
    updated_at  $TIME NOT NULL,
    project_id  BIGINT NOT NULL,
    instance_id BIGINT NOT NULL,
    revised_on  DATE NOT NULL,
    was         $LONGTEXT NOT NULL,
    revised     $LONGTEXT NOT NULL,
    reason      TEXT NOT NULL
) $OPTIONS;
CREATE INDEX ix_budget_revisions_project ON budget_revisions (project_id, id);

CREATE TABLE budget_items (
    id            $ID,
    created_at    $TIME NOT NULL,
    updated_at    $TIME NOT NULL,
    unit_id       BIGINT NOT NULL,
    project_id    BIGINT NOT NULL DEFAULT 0,
    obligation_id BIGINT NOT NULL,
    instance_id   BIGINT NOT NULL,
    sequence      INT NOT NULL,
    code          VARCHAR(64) NOT NULL,
    name          VARCHAR(255) NOT NULL,
    amount        BIGINT NOT NULL,
    refined_id    BIGINT NOT NULL DEFAULT 0,
    CONSTRAINT uq_budget_items UNIQUE (instance_id, sequence)
) $OPTIONS;
CREATE INDEX ix_budget_items_duty ON budget_items (obligation_id, id);

CREATE TABLE reports (
    id            $ID,
    created_at    $TIME NOT NULL,
    updated_at    $TIME NOT NULL,
    obligation_id BIGINT NOT NULL,
    instance_id   BIGINT NOT NULL,
    project_id    BIGINT NOT NULL DEFAULT 0,
    workflow      VARCHAR(64) NOT NULL,
    recorded_on   DATE NOT NULL,
    answers       $LONGTEXT NOT NULL,
    CONSTRAINT uq_reports_instance UNIQUE (instance_id)
) $OPTIONS;
CREATE INDEX ix_reports_duty ON reports (obligation_id, id);

CREATE TABLE indicator_results (
    id          $ID,
    created_at  $TIME NOT NULL,
    updated_at  $TIME NOT NULL,
    project_id  BIGINT NOT NULL,
    sequence    INT NOT NULL,
    instance_id BIGINT NOT NULL,
    workflow    VARCHAR(64) NOT NULL,
    recorded_on DATE NOT NULL,
    actual      TEXT NOT NULL,
    weight      VARCHAR(32) NOT NULL,
    score       VARCHAR(32) NOT NULL,
    note        TEXT NOT NULL,
    CONSTRAINT uq_indicator_results UNIQUE (instance_id, sequence)
) $OPTIONS;
CREATE INDEX ix_indicator_results_project ON indicator_results (project_id, sequence);

CREATE TABLE attachments (
    id          $ID,
    created_at  $TIME NOT NULL,
    updated_at  $TIME NOT NULL,
    name        VARCHAR(255) NOT NULL,
    media_type  VARCHAR(127) NOT NULL,
    size        BIGINT NOT NULL,
    sha256      VARCHAR(64) NOT NULL,
    uploaded_by BIGINT NOT NULL,
    instance_id BIGINT NOT NULL DEFAULT 0,
    content     $LONGTEXT NOT NULL
) $OPTIONS;
CREATE INDEX ix_attachments_instance ON attachments (instance_id, uploaded_by, id);

-- One row: the key that signs links, drawn when it is first needed.
CREATE TABLE link_keys (
    id         INT PRIMARY KEY,
    created_at $TIME NOT NULL,
    updated_at $TIME NOT NULL,
    secret     VARCHAR(64) NOT NULL
) $OPTIONS;

CREATE TABLE link_uses (
    id         $ID,
    created_at $TIME NOT NULL,
    updated_at $TIME NOT NULL,
    token_hash VARCHAR(64) NOT NULL,
    expires_at $TIME NOT NULL,
    failures   INT NOT NULL DEFAULT 0,
    used_at    $TIME,
    CONSTRAINT uq_link_uses UNIQUE (token_hash)
) $OPTIONS;
CREATE INDEX ix_link_uses_expires ON link_uses (expires_at);

CREATE TABLE sessions (
    id         $ID,
    created_at $TIME NOT NULL,
    updated_at $TIME NOT NULL,
    token_hash VARCHAR(64) NOT NULL,
    user_id    BIGINT NOT NULL,
    expires_at $TIME NOT NULL,
    CONSTRAINT uq_sessions_token UNIQUE (token_hash)
) $OPTIONS;
CREATE INDEX ix_sessions_expires ON sessions (expires_at);
