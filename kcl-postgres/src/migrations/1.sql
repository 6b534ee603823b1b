create table if not exists {s}.layout (
    version bigint not null
);
insert into {s}.layout (version) select 1 where not exists (select from {s}.layout);

create table if not exists {s}.session (
    application text collate "C" not null,
    id text collate "C" not null,
    start bigint not null,
    timeout_ms bigint not null,
    interval_ms bigint not null,
    capacity bigint not null,
    beat bigint not null,
    state text collate "C" not null,
    mailbox bigint not null,
    seen_term bigint not null,
    seen_version bigint not null,
    changes bigint not null,
    conflicts bigint not null,
    watched bigint not null,
    primary key (application, id)
) with (
    fillfactor = 50,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 1000
);

create table if not exists {s}.lease (
    application text collate "C" not null,
    key text collate "C" not null,
    owner text collate "C",
    epoch bigint not null,
    checkpoint text collate "C" not null,
    kind text collate "C" not null,
    arrival_ms bigint,
    lag_ms bigint,
    rate bigint not null,
    parents text[] not null,
    children text[] not null,
    hash_range text,
    successor text,
    avoid text,
    primary key (application, key)
) with (
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 1000
);

create table if not exists {s}.document (
    application text collate "C" not null,
    name text collate "C" not null,
    version bigint not null,
    body bytea not null,
    primary key (application, name)
) with (
    fillfactor = 50,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 1000
);
