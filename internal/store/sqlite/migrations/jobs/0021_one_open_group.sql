-- Of one rule and key one group is open. Where two that told people at once have opened two, the younger goes on under a
-- key of its own until it is over: whom it was told to is told of its end, and nothing that it counted is lost.
UPDATE alert_group
   SET revision = revision + 1,
       doc = json_set(doc, '$.key', json_extract(doc, '$.key') || ' (' || lower(hex(id)) || ')')
 WHERE closed = 0 AND EXISTS (
       SELECT 1 FROM alert_group o
        WHERE o.closed = 0 AND o.id < alert_group.id
          AND json_extract(o.doc, '$.rule') = json_extract(alert_group.doc, '$.rule')
          AND json_extract(o.doc, '$.key') = json_extract(alert_group.doc, '$.key'));

CREATE UNIQUE INDEX alert_group_key ON alert_group (json_extract(doc, '$.rule'), json_extract(doc, '$.key'))
 WHERE closed = 0;
