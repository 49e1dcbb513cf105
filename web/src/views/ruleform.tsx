// The form of a rule: every condition with its numbers, and which channels are told.
import { useState } from "preact/hooks";
import { conditions, type Level, ruleOf, textOf } from "../alerting.ts";
import { call } from "../api.ts";
import type { AlertRule, Condition } from "../types.gen.ts";
import { ErrorNote, FieldError, Skeleton } from "../ui/basics.tsx";
import { say } from "../ui/dialog.tsx";
import { Check, Group, Length, Pick, Text } from "../ui/fields.tsx";
import { MatcherFields } from "../ui/matcher.tsx";
import { EditDialog, type Read, SettingForm, tagNow } from "../ui/settingform.tsx";
import { useApi } from "../use.ts";

const route = "GET /alerts/rules/{id}";

/** id: undefined: a new rule. */
export function EditRule({ id, onClose }: { id: string | undefined; onClose: () => void }) {
  return (
    <EditDialog title={id ? `Rule ${id}` : "New rule"} route={route} id={id} onClose={onClose}>
      {(is, reload) => <Form key={is?.tag} is={is} reload={reload} onClose={onClose} />}
    </EditDialog>
  );
}

const levels: [Level, string][] = [
  ["CRITICAL", "Critical"],
  ["WARNING", "Warning"],
  ["INFO", "Info"],
];

const groups: [AlertRule["groupBy"], string][] = [
  ["HOST", "of a host"],
  ["NAMESPACE", "of a namespace"],
  ["JOB", "of a job"],
];

const fields = ["id", "name", "match", "when", "channels", "level", "groupBy", "waitMs", "updateMs", "repeatMs"];

function Form(props: { is: Read<AlertRule> | undefined; reload: () => Promise<void>; onClose: () => void }) {
  const r = props.is?.value;
  const save = async (data: FormData, headers: Record<string, string>): Promise<void> => {
    const id = r?.id ?? textOf(data, "id") ?? "-"; // the API says what an id is
    await call("PUT /alerts/rules/{id}", { path: { id }, body: ruleOf(data), headers });
    say(`Rule ${id} is saved.`);
  };
  return (
    <SettingForm
      submit="Save the rule"
      fields={fields}
      tag={props.is?.tag}
      save={save}
      reload={props.reload}
      tagNow={() => tagNow(route, r?.id ?? "")}
      onClose={props.onClose}
    >
      {(error) => (
        <>
          <div class="columns narrow">
            {!r && <Text name="id" label="Its id: lower-case letters, digits and hyphens" error={error} required />}
            <Text name="name" label="What people call it; optional" value={r?.name} error={error} />
          </div>
          <MatcherFields match={r?.match} error={error} />
          <When when={r?.when} error={error} />
          <Channels chosen={r?.channels ?? []} error={error} />
          <Group title="What is said, and how often">
            <div class="columns short-fields">
              <Pick name="level" label="Level" value={r?.level ?? "CRITICAL"} options={levels} error={error} />
              <Pick
                name="groupBy"
                label="In one message: all jobs"
                value={r?.groupBy ?? "HOST"}
                options={groups}
                error={error}
              />
              <Length name="waitMs" label="From the alert to the message" ms={r?.waitMs ?? 10_000} error={error} />
              <Length
                name="updateMs"
                label="That it is worse, at most every"
                ms={r?.updateMs ?? 300_000}
                error={error}
              />
              <Length
                name="repeatMs"
                label="That it goes on, every; 0: never"
                ms={r?.repeatMs ?? 14_400_000}
                error={error}
              />
            </div>
            <Check name="recovery" label="Also that it is over" checked={r?.recovery ?? true} />
          </Group>
          <Check name="disabled" label="Disabled: nobody is told by it" checked={r?.disabled ?? false} />
        </>
      )}
    </SettingForm>
  );
}

const kinds = Object.entries(conditions).map(([kind, { label }]) => [kind as Condition["kind"], label] as const);

function When({ when, error }: { when: Condition | undefined; error: Error | undefined }) {
  const [kind, setKind] = useState(when?.kind ?? "FAILURES");
  const is = when?.kind === kind ? when : undefined;
  return (
    <Group title="When">
      <Pick name="when.kind" label="Condition" value={kind} options={kinds} onChange={setKind} error={error} />
      <div class="columns short-fields">
        {conditions[kind].fields.map(({ name, label, start }) => {
          const shared = { name: `when.${name}`, label, error };
          const value = is ? (is[name] ?? (name === "count" ? 1 : undefined)) : start;
          const key = `${kind} ${name}`;
          return name.endsWith("Ms") ? (
            <Length key={key} {...shared} ms={value} />
          ) : (
            <Text key={key} {...shared} value={value} />
          );
        })}
      </div>
    </Group>
  );
}

/** The channels that there are, and those of the rule that are not there any more. */
function Channels({ chosen, error }: { chosen: string[]; error: Error | undefined }) {
  const asked = useApi("GET /alerts/channels");
  const known = asked.data?.channels;
  const there = known ?? [];
  const gone = chosen.filter((id) => !there.some((c) => c.id === id));
  return (
    <Group title="Channels; those that are a default if none is chosen">
      <ErrorNote error={asked.error} retry={asked.reload} />
      {!known && !asked.error && <Skeleton lines={1} />}
      {!known && chosen.map((id) => <input key={id} type="hidden" name="channels" value={id} />)}
      {known?.length === 0 && gone.length === 0 && <p class="muted">There is no channel.</p>}
      {known && (
        <div class="columns narrow">
          {there.map((c) => (
            <Check
              key={c.id}
              name="channels"
              value={c.id}
              label={`${c.id}, ${c.kind}${c.default ? ", default" : ""}${c.disabled ? ", disabled" : ""}`}
              checked={chosen.includes(c.id)}
            />
          ))}
          {gone.map((id) => (
            <Check key={id} name="channels" value={id} label={`${id}, not there any more`} checked />
          ))}
        </div>
      )}
      <FieldError error={error} field="channels" id="e-channels" />
    </Group>
  );
}
