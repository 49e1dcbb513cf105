// One field of the form of a job: its label, its control, a hint, and what is wrong with it.
import { duration } from "../format.ts";
import { bodyKinds, type Draft, type Field, instantOf } from "../jobform.ts";
import { Choice, Time } from "../ui/basics.tsx";

/** What is wrong with a form, by field. */
export interface Fault {
  error: Error;
  /** The words for a field; undefined: it is right. */
  of(path: string): string | undefined;
  /** The same without a field, which is being changed. */
  without(path: string): Fault;
}

interface Props {
  field: Field;
  draft: Draft;
  fault: string | undefined;
  readOnly: boolean;
  set: (path: string, value: string) => void;
}

export function FieldRow(props: Props) {
  const { field: f, fault } = props;
  const id = `f-${f.path.replace(".", "-")}`;
  const described = [f.hint && `${id}-hint`, fault && `${id}-error`].filter(Boolean).join(" ");
  if (f.kind === "bool") return <Tick {...props} id={id} />;
  return (
    <div class="row">
      <label for={id}>
        {f.label}
        {f.required && (
          <span class="muted" aria-hidden="true">
            {" "}
            *
          </span>
        )}
      </label>
      <div>
        <Control {...props} id={id} described={described} />
        {f.hint && (
          <small class="muted" id={`${id}-hint`}>
            {f.hint}
          </small>
        )}
        {fault && (
          <p class="field-error" id={`${id}-error`} role="alert">
            {fault}
          </p>
        )}
      </div>
    </div>
  );
}

function Tick({ field: f, draft, fault, set, id }: Props & { id: string }) {
  return (
    <div class="row tick">
      <span />
      <div>
        <label>
          <input
            id={id}
            name={f.path}
            type="checkbox"
            checked={draft[f.path] === "true"}
            aria-invalid={fault ? true : undefined}
            onChange={(e) => set(f.path, String(e.currentTarget.checked))}
          />
          {f.label}
        </label>{" "}
        {f.hint && <small class="muted">{f.hint}</small>}
        {fault && (
          <p class="field-error" role="alert">
            {fault}
          </p>
        )}
      </div>
    </div>
  );
}

function Control(props: Props & { id: string; described: string }) {
  const { field: f, draft, fault, set, id } = props;
  const common = {
    id,
    name: f.path,
    "aria-describedby": props.described || undefined,
    "aria-invalid": fault ? true : undefined,
    "aria-required": f.required || undefined,
    readOnly: props.readOnly || undefined,
    autocomplete: "off",
    spellcheck: false,
    value: draft[f.path] ?? "",
    placeholder: f.placeholder ?? f.default ?? "",
    onInput: (e: Event) => set(f.path, (e.currentTarget as HTMLInputElement).value),
  } as const;
  switch (f.kind) {
    case "choice":
      return (
        <select {...common} onChange={(e) => set(f.path, e.currentTarget.value)}>
          {f.options?.map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      );
    case "headers":
    case "lines":
      return <textarea {...common} rows={f.kind === "headers" ? 3 : 2} class="mono" />;
    case "body":
      return <Body {...props} common={common} />;
    case "ms":
      return <Milliseconds common={common} text={draft[f.path] || f.default || ""} />;
    case "instant":
      return <Moment common={common} text={draft[f.path] ?? ""} zone={draft.timezone} />;
    default:
      return (
        <>
          <input
            {...common}
            type="text"
            class={f.path === "schedule" || f.path === "api" ? "mono" : ""}
            list={listOf(f)}
          />
          {f.path === "timezone" && <Zones />}
        </>
      );
  }
}

const listOf = (f: Field): string | undefined => (f.path === "timezone" ? "zones" : undefined);

/** Every zone that the browser knows, to choose from; others can be typed. */
export function Zones() {
  const zones = Intl.supportedValuesOf?.("timeZone") ?? [];
  return (
    <datalist id="zones">
      {["UTC", ...zones].map((z) => (
        <option key={z} value={z} />
      ))}
    </datalist>
  );
}

type Common = Record<string, unknown>;

function Milliseconds({ common, text }: { common: Common; text: string }) {
  const n = /^\d+$/.test(text) ? Number(text) : undefined;
  return (
    <span class="unit">
      <input {...common} type="text" inputMode="numeric" size={12} /> ms
      {n !== undefined && n >= 1000 && <span class="muted"> = {duration(n)}</span>}
    </span>
  );
}

function Moment({ common, text, zone }: { common: Common; text: string; zone: string | undefined }) {
  const at = instantOf(text);
  return (
    <span class="unit">
      <input {...common} type="text" size={28} />
      {at !== undefined && <Time at={at} jobZone={zone || "UTC"} line />}
    </span>
  );
}

function Body({ draft, set, common }: Props & { common: Common }) {
  const kind = (draft.bodyKind ?? "none") as (typeof bodyKinds)[number][0];
  return (
    <>
      <Choice label="The body is" value={kind} options={bodyKinds} onChange={(k) => set("bodyKind", k)} />
      <textarea
        {...common}
        aria-label="Body"
        hidden={kind === "none"}
        rows={6}
        class="mono"
        placeholder={kind === "json" ? '{"full": true}' : ""}
      />
    </>
  );
}
