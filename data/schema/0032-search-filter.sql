-- Rows with the filter of a segment, which tells what terms it has not
-- (src/desk/segment.c). Segments from before have none.
ALTER TABLE search_segment ADD COLUMN filter_chunks BIGINT NOT NULL DEFAULT 0;
