-- anyarray has no way to an array of text but through its own text.
SELECT pg_catalog.json_agg(x) FROM (
SELECT DISTINCT ON (s.schemaname, s.tablename, s.attname)
       s.schemaname AS schema, s.tablename AS "table", s.attname AS "column",
       s.null_frac, s.avg_width, s.n_distinct,
       s.most_common_vals::pg_catalog.text::pg_catalog.text[] AS most_common_vals, s.most_common_freqs,
       s.histogram_bounds::pg_catalog.text::pg_catalog.text[] AS histogram_bounds, s.correlation
  FROM pg_catalog.pg_stats s
 WHERE s.schemaname !~ '^pg_' AND s.schemaname <> 'information_schema'
 ORDER BY s.schemaname, s.tablename, s.attname, s.inherited DESC) x
