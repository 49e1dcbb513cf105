// Pausing: why, and until when by the clock of which zone.
import { useState } from "preact/hooks";
import { call, serverNow } from "../api.ts";
import { pauseOf } from "../pause.ts";
import { instantIn, wallOf } from "../quiet.ts";
import { zone as chosenZone } from "../settings.ts";
import { useStore } from "../store.ts";
import { viewerZone, zoneOf } from "../time.ts";
import type { Job } from "../types.gen.ts";
import { ErrorNote, FieldError, Time } from "./basics.tsx";
import { Dialog, say } from "./dialog.tsx";
import { Text } from "./fields.tsx";

const lengths: [ms: number, text: string][] = [
  [3_600_000, "1 hour"],
  [4 * 3_600_000, "4 hours"],
  [86_400_000, "1 day"],
  [7 * 86_400_000, "1 week"],
];

export function PauseFields(props: {
  reason?: string | undefined;
  until?: number | undefined;
  jobZone?: string | undefined;
  error: Error | undefined;
  /** What the API puts before the names of the fields. */
  prefix?: string;
}) {
  const { error, prefix = "" } = props;
  const usual = zoneOf(useStore(chosenZone), props.jobZone);
  const zones = [...new Set([usual, viewerZone(), ...(props.jobZone ? [props.jobZone] : []), "UTC"])];
  const [zone, setZone] = useState(usual);
  const [wall, setWall] = useState(props.until ? wallOf(props.until, usual) : "");
  const until = instantIn(wall, zone);
  return (
    <>
      <Text
        name="reason"
        label="Why, for others to read"
        value={props.reason}
        error={error}
        field={`${prefix}reason`}
      />
      <div class="columns short-fields">
        <div>
          <label>
            Active again; empty: once somebody resumes it
            <input
              name="until"
              type="datetime-local"
              step={1}
              value={wall}
              aria-describedby="e-until"
              onInput={(e) => setWall(e.currentTarget.value)}
            />
          </label>
          {until !== undefined && <Time at={until} jobZone={zone} line />}
          <FieldError error={error} field={`${prefix}until`} id="e-until" />
        </div>
        <label>
          By the clock of
          <select name="zone" value={zone} onChange={(e) => setZone(e.currentTarget.value)}>
            {zones.map((z) => (
              <option key={z} value={z}>
                {z}
              </option>
            ))}
          </select>
        </label>
      </div>
      <div class="actions">
        {lengths.map(([ms, text]) => (
          <button key={ms} type="button" onClick={() => setWall(wallOf(serverNow() + ms, zone))}>
            {text}
          </button>
        ))}
        <button type="button" onClick={() => setWall("")}>
          No end
        </button>
      </div>
    </>
  );
}

/** The fields of a pause that are in their place, so that what the API says of them is said there. */
export const pauseFields = new Set(["reason", "until", "pause.reason", "pause.until"]);

/** Pauses a job, or says something else of its pause. */
export function PauseJob({ job: j, onClose }: { job: Job; onClose: (changed: boolean) => void }) {
  const [error, setError] = useState<Error>();
  const [busy, setBusy] = useState(false);
  const send = async (data: FormData): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      const body = pauseOf(data, j.pausedUntil);
      const change = { isActive: false, pausedReason: body.reason ?? null, pausedUntil: body.until ?? null };
      const path = { id: j.id };
      // A pause about which nothing more is said would keep its reason: see POST /jobs/{id}/pause.
      const empty = !j.isActive && Object.keys(body).length === 0;
      const saved = empty
        ? await call("PUT /jobs/{id}", { path, body: change })
        : await call("POST /jobs/{id}/pause", { path, body });
      say(saved.message);
      onClose(true);
    } catch (err) {
      setError(err as Error);
      setBusy(false);
    }
  };
  return (
    <Dialog title={j.isActive ? "Pause the job" : "Change the pause"} onClose={() => onClose(false)}>
      <form
        class="ask"
        onSubmit={(e) => {
          e.preventDefault();
          void send(new FormData(e.currentTarget));
        }}
      >
        <p class="muted">
          It fires nothing from now on. What is due meanwhile is not made up for; a fire that is due at the very end is
          sent.
        </p>
        <PauseFields reason={j.pausedReason} until={j.pausedUntil} jobZone={j.spec.timezone} error={error} />
        <ErrorNote error={error} beside={(field) => pauseFields.has(field)} />
        <div class="actions end">
          <button type="button" onClick={() => onClose(false)}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={busy}>
            {j.isActive ? "Pause" : "Save the pause"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
