// The form of a silence: of which jobs people are not told, why, and from when until when by the clock of which zone.
import { useRef, useState } from "preact/hooks";
import { call, serverNow } from "../api.ts";
import { Once } from "../once.ts";
import { instantIn, silenceOf, wallOf } from "../quiet.ts";
import { zone as chosenZone } from "../settings.ts";
import { useStore } from "../store.ts";
import { viewerZone, zoneOf } from "../time.ts";
import type { Matcher, Silence } from "../types.gen.ts";
import { FieldError, Time } from "../ui/basics.tsx";
import { say } from "../ui/dialog.tsx";
import { Group, Text } from "../ui/fields.tsx";
import { MatcherFields } from "../ui/matcher.tsx";
import { EditDialog, type Read, SettingForm, tagNow } from "../ui/settingform.tsx";

const route = "GET /alerts/silences/{id}";

interface Prefilled {
  match?: Matcher;
  jobZone?: string | undefined;
}

/** id: undefined: a new silence. */
export function EditSilence(props: Prefilled & { id: string | undefined; onClose: () => void }) {
  const { id, onClose } = props;
  return (
    <EditDialog title={id ? "Change the silence" : "New silence"} route={route} id={id} onClose={onClose}>
      {(is, reload) => <Form key={is?.tag} is={is} reload={reload} {...props} />}
    </EditDialog>
  );
}

const fields = ["match", "reason", "startsAt", "endsAt"];

function Form(props: Prefilled & { is: Read<Silence> | undefined; reload: () => Promise<void>; onClose: () => void }) {
  const s = props.is?.value;
  const once = useRef(new Once());
  const save = async (data: FormData, headers: Record<string, string>): Promise<void> => {
    const body = silenceOf(data, s);
    if (s) await call("PUT /alerts/silences/{id}", { path: { id: s.id }, body, headers });
    else {
      await once.current.send(JSON.stringify(body), (own) => call("POST /alerts/silences", { body, headers: own }));
    }
    say("The silence is saved.");
  };
  return (
    <SettingForm
      submit={s ? "Save the silence" : "Silence"}
      fields={fields}
      tag={props.is?.tag}
      save={save}
      reload={props.reload}
      tagNow={() => tagNow(route, s?.id ?? "")}
      onClose={props.onClose}
    >
      {(error) => (
        <>
          <p class="muted">
            What fails meanwhile and still fails at its end is told then. That something is over that was told before is
            told all the same.
          </p>
          <Text name="reason" label="Why, for others to read" value={s?.reason} error={error} required />
          <Times silence={s} jobZone={props.jobZone} error={error} />
          <MatcherFields match={s?.match ?? props.match} error={error} />
        </>
      )}
    </SettingForm>
  );
}

const lengths: [ms: number, text: string][] = [
  [3_600_000, "1 hour"],
  [4 * 3_600_000, "4 hours"],
  [86_400_000, "1 day"],
  [7 * 86_400_000, "1 week"],
];

/** From when until when, by the clock of a zone that is chosen beside. */
function Times(props: { silence: Silence | undefined; jobZone: string | undefined; error: Error | undefined }) {
  const { silence: s, error } = props;
  const usual = zoneOf(useStore(chosenZone), props.jobZone);
  const zones = [...new Set([usual, viewerZone(), ...(props.jobZone ? [props.jobZone] : []), "UTC"])];
  const [zone, setZone] = useState(usual);
  const [from, setFrom] = useState(s ? wallOf(s.startsAt, usual) : "");
  const [to, setTo] = useState(wallOf(s?.endsAt ?? serverNow() + 2 * 3_600_000, usual));
  const starts = instantIn(from, zone);
  const ends = instantIn(to, zone);
  return (
    <Group title="From when until when">
      <div class="columns short-fields">
        <div>
          <label>
            Starts; empty: now
            <input
              name="startsAt"
              type="datetime-local"
              step={1}
              value={from}
              aria-describedby="e-startsAt"
              onInput={(e) => setFrom(e.currentTarget.value)}
            />
          </label>
          {starts !== undefined && <Time at={starts} jobZone={zone} line />}
          <FieldError error={error} field="startsAt" id="e-startsAt" />
        </div>
        <div>
          <label>
            Ends
            <input
              name="endsAt"
              type="datetime-local"
              step={1}
              value={to}
              aria-describedby="e-endsAt"
              onInput={(e) => setTo(e.currentTarget.value)}
            />
          </label>
          {ends !== undefined && <Time at={ends} jobZone={zone} line />}
          <FieldError error={error} field="endsAt" id="e-endsAt" />
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
          <button key={ms} type="button" onClick={() => setTo(wallOf((starts ?? serverNow()) + ms, zone))}>
            {text}
          </button>
        ))}
      </div>
    </Group>
  );
}
