// What a form says of a pause: why, and when it ends by the clock of a zone.
import { textOf } from "./alerting.ts";
import { instantIn } from "./quiet.ts";
import type { PauseRequest } from "./types.gen.ts";

/** was: the end that the form has begun with. Where it is not changed it keeps its milliseconds. */
export function pauseOf(data: FormData, was?: number): PauseRequest {
  const p: PauseRequest = {};
  const reason = textOf(data, "reason");
  if (reason) p.reason = reason;
  const until = instantIn(textOf(data, "until") ?? "", textOf(data, "zone") ?? "UTC");
  if (until !== undefined) p.until = was !== undefined && until === Math.floor(was / 1000) * 1000 ? was : until;
  return p;
}
