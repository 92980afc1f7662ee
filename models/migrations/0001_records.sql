-- $ID, $TIME and $OPTIONS are spelled for each engine in engine.go.

CREATE TABLE units (
    id         $ID,
    created_at $TIME NOT NULL,
    updated_at $TIME NOT NULL,
    code       VARCHAR(64) NOT NULL,
    name       VARCHAR(255) NOT NULL,
    records_as_of DATE,
    version    BIGINT NOT NULL DEFAULT 0,
    CONSTRAINT uq_units_code UNIQUE (code)
) $OPTIONS;

CREATE TABLE users (
    id         $ID,
    created_at $TIME NOT NULL,
    updated_at $TIME NOT NULL,
    account    VARCHAR(64) NOT NULL,
    name       VARCHAR(64) NOT NULL,
    email      VARCHAR(255) NOT NULL DEFAULT '',
    mobile     VARCHAR(32) NOT NULL DEFAULT '',
    language   VARCHAR(8) NOT NULL,
    unit_id    BIGINT NOT NULL DEFAULT 0,
    roles      VARCHAR(255),
    active     BOOLEAN NOT NULL,
    version    BIGINT NOT NULL DEFAULT 0,
    CONSTRAINT uq_users_account UNIQUE (account)
) $OPTIONS;
CREATE INDEX ix_users_unit ON users (unit_id);

CREATE TABLE import_batches (
    id         $ID,
    created_at $TIME NOT NULL,
    updated_at $TIME NOT NULL,
    kind       VARCHAR(16) NOT NULL,
    file_name  VARCHAR(255) NOT NULL,
    sha256     VARCHAR(64) NOT NULL,
    actor      VARCHAR(64) NOT NULL,
    created    BIGINT NOT NULL DEFAULT 0,
    updated    BIGINT NOT NULL DEFAULT 0,
    problems   BIGINT NOT NULL DEFAULT 0
) $OPTIONS;

CREATE TABLE projects (
    id          $ID,
    created_at  $TIME NOT NULL,
    updated_at  $TIME NOT NULL,
    fiscal_year INT NOT NULL,
    code        VARCHAR(64) NOT NULL,
    name        VARCHAR(255) NOT NULL,
    unit_id     BIGINT NOT NULL,
    budget      BIGINT NOT NULL,
    fiscal      BIGINT NOT NULL,
    other       BIGINT NOT NULL,
    purpose     $LONGTEXT NOT NULL,
    goal        $LONGTEXT NOT NULL,
    placeholder BOOLEAN NOT NULL,
    owner_id    BIGINT NOT NULL DEFAULT 0,
    manager_id  BIGINT NOT NULL DEFAULT 0,
    state       VARCHAR(16) NOT NULL,
    batch_id    BIGINT NOT NULL DEFAULT 0,
    source_line BIGINT NOT NULL DEFAULT 0,
    version     BIGINT NOT NULL DEFAULT 0,
    CONSTRAINT uq_projects_year_code UNIQUE (fiscal_year, code)
) $OPTIONS;
CREATE INDEX ix_projects_unit ON projects (unit_id, fiscal_year);

CREATE TABLE targets (
    id         $ID,
    created_at $TIME NOT NULL,
    updated_at $TIME NOT NULL,
    project_id BIGINT NOT NULL,
    due_on     DATE NOT NULL,
    label      VARCHAR(64) NOT NULL,
    percent    BIGINT NOT NULL,
    CONSTRAINT uq_targets_project_due UNIQUE (project_id, due_on)
) $OPTIONS;

CREATE TABLE indicators (
    id          $ID,
    created_at  $TIME NOT NULL,
    updated_at  $TIME NOT NULL,
    project_id  BIGINT NOT NULL,
    sequence    INT NOT NULL,
    level1      VARCHAR(255) NOT NULL,
    level2      VARCHAR(255) NOT NULL,
    level3      VARCHAR(255) NOT NULL,
    description $LONGTEXT NOT NULL,
    value_text  $LONGTEXT NOT NULL,
    basis       $LONGTEXT NOT NULL,
    comparator  VARCHAR(8) NOT NULL,
    number      VARCHAR(64) NOT NULL,
    number_unit VARCHAR(255) NOT NULL,
    due_on      DATE,
    recurrence  VARCHAR(32) NOT NULL,
    source_line BIGINT NOT NULL DEFAULT 0,
    CONSTRAINT uq_indicators_project_sequence UNIQUE (project_id, sequence)
) $OPTIONS;

CREATE TABLE goals (
    id          $ID,
    created_at  $TIME NOT NULL,
    updated_at  $TIME NOT NULL,
    unit_id     BIGINT NOT NULL,
    fiscal_year INT NOT NULL,
    scope       VARCHAR(16) NOT NULL,
    sequence    INT NOT NULL,
    title       VARCHAR(255) NOT NULL,
    text        $LONGTEXT NOT NULL,
    measure     $LONGTEXT NOT NULL,
    figures     TEXT,
    source_line BIGINT NOT NULL DEFAULT 0,
    CONSTRAINT uq_goals UNIQUE (unit_id, fiscal_year, scope, sequence)
) $OPTIONS;

CREATE TABLE payments (
    id         $ID,
    created_at $TIME NOT NULL,
    updated_at $TIME NOT NULL,
    project_id BIGINT NOT NULL,
    paid_on    DATE NOT NULL,
    amount     BIGINT NOT NULL,
    voucher_no VARCHAR(64) NOT NULL,
    payee      VARCHAR(255) NOT NULL,
    summary    VARCHAR(255) NOT NULL,
    batch_id   BIGINT NOT NULL,
    as_of      DATE NOT NULL,
    CONSTRAINT uq_payments_voucher UNIQUE (project_id, voucher_no)
) $OPTIONS;
CREATE INDEX ix_payments_project_day ON payments (project_id, paid_on, amount);

CREATE TABLE data_problems (
    id          $ID,
    created_at  $TIME NOT NULL,
    updated_at  $TIME NOT NULL,
    fingerprint VARCHAR(190) NOT NULL,
    unit_id     BIGINT NOT NULL,
    project_id  BIGINT NOT NULL DEFAULT 0,
    fiscal_year INT NOT NULL,
    code        VARCHAR(64) NOT NULL,
    field       VARCHAR(255) NOT NULL,
    value       $LONGTEXT NOT NULL,
    message     $LONGTEXT NOT NULL,
    file        VARCHAR(255) NOT NULL,
    line        BIGINT NOT NULL,
    owner_id    BIGINT NOT NULL DEFAULT 0,
    state       VARCHAR(16) NOT NULL,
    closed_at   $TIME,
    closed_by   VARCHAR(64) NOT NULL DEFAULT '',
    closed_note TEXT NOT NULL,
    version     BIGINT NOT NULL DEFAULT 0,
    CONSTRAINT uq_data_problems UNIQUE (fingerprint)
) $OPTIONS;
CREATE INDEX ix_data_problems_state ON data_problems (state, id);

CREATE TABLE calendar_days (
    day        DATE PRIMARY KEY,
    created_at $TIME NOT NULL,
    updated_at $TIME NOT NULL,
    work       BOOLEAN NOT NULL,
    name       VARCHAR(64) NOT NULL,
    source     VARCHAR(64) NOT NULL
) $OPTIONS;

CREATE TABLE audit_entries (
    seq       BIGINT PRIMARY KEY,
    at        $TIME NOT NULL,
    actor     VARCHAR(64) NOT NULL,
    action    VARCHAR(64) NOT NULL,
    entity    VARCHAR(64) NOT NULL,
    entity_id BIGINT NOT NULL,
    detail    $LONGTEXT NOT NULL,
    prev_hash VARCHAR(64) NOT NULL,
    hash      VARCHAR(64) NOT NULL
) $OPTIONS;
CREATE INDEX ix_audit_entity ON audit_entries (entity, entity_id);

-- One row: the end of the audit chain. Whoever appends locks it first.
CREATE TABLE audit_heads (
    id   INT PRIMARY KEY,
    seq  BIGINT NOT NULL,
    hash VARCHAR(64) NOT NULL
) $OPTIONS;
INSERT INTO audit_heads (id, seq, hash) VALUES (1, 0, '');
