
-- What a session says of itself; null in the rows of workers that do not say it.
alter table {s}.session
    add column if not exists stream text collate "C",
    add column if not exists zone text collate "C";
update {s}.layout set version = 2 where version < 2;
