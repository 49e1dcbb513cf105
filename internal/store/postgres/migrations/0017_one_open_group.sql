-- Of one rule and key one group is open. Where two that told people at once have opened two, the younger goes on under a
-- key of its own until it is over: whom it was told to is told of its end, and nothing that it counted is lost. Servers
-- of the build before go on meanwhile: what they insert is refused in the same way as an id that is taken.
-- No function on JSON takes a NUL, which a text in doc may have.
LOCK TABLE alert_group IN SHARE ROW EXCLUSIVE MODE;

WITH opened AS (
     SELECT id, replace(doc, '\u0000', '\ufffd')::jsonb AS doc FROM alert_group WHERE NOT closed
), twin AS (
     SELECT id, doc, row_number() OVER (PARTITION BY doc ->> 'rule', doc ->> 'key' ORDER BY id) AS place FROM opened
)
UPDATE alert_group g
   SET revision = g.revision + 1,
       doc = jsonb_set(t.doc, '{key}', to_jsonb((t.doc ->> 'key') || ' (' || t.id || ')'))::text
  FROM twin t WHERE t.id = g.id AND t.place > 1;

CREATE UNIQUE INDEX alert_group_key
    ON alert_group ((replace(doc, '\u0000', '\ufffd')::json ->> 'rule'), (replace(doc, '\u0000', '\ufffd')::json ->> 'key'))
 WHERE NOT closed;
