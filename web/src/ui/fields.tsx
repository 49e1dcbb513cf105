// Fields of forms in dialogs: each with its label, and what the API says is wrong with it.
import type { ComponentChildren } from "preact";
import { inUnits, units } from "../alerting.ts";
import { ApiError } from "../api.ts";
import { FieldError } from "./basics.tsx";

interface Field {
  name: string;
  label: string;
  error: Error | undefined;
  /** As the API calls it, where that is another name. */
  field?: string;
}

const wrong = (f: Field): true | undefined =>
  (f.error instanceof ApiError && f.error.field(f.field ?? f.name) !== undefined) || undefined;

export function Text(
  props: Field & {
    type?: "text" | "password";
    value?: string | number | undefined;
    required?: boolean;
    lines?: number;
    list?: string;
    onInput?: (text: string) => void;
  },
) {
  const id = `e-${props.name}`;
  const shared = {
    id: `i-${props.name}`,
    name: props.name,
    defaultValue: props.value === undefined ? "" : String(props.value),
    spellcheck: false,
    "aria-required": props.required ?? false,
    "aria-invalid": wrong(props),
    "aria-describedby": id,
    onInput: (e: Event) => props.onInput?.((e.currentTarget as HTMLInputElement).value),
  };
  return (
    <div>
      <label for={shared.id}>
        {props.label}
        {props.lines ? (
          <textarea {...shared} rows={props.lines} />
        ) : (
          <input {...shared} type={(props.type ?? "text") as "text"} list={props.list} autocomplete="off" />
        )}
      </label>
      <FieldError error={props.error} field={props.field ?? props.name} id={id} />
    </div>
  );
}

/** A length of time: a number and its unit. */
export function Length(props: Field & { ms: number | undefined }) {
  const id = `i-${props.name}`;
  const is = props.ms === undefined ? undefined : inUnits(props.ms);
  return (
    <div>
      <label for={id}>{props.label}</label>
      <div class="length">
        <input
          id={id}
          name={props.name}
          defaultValue={is ? String(is.n) : ""}
          inputMode="decimal"
          autocomplete="off"
          aria-invalid={wrong(props)}
          aria-describedby={`e-${props.name}`}
        />
        <select name={`${props.name} unit`} aria-label={`Unit of “${props.label}”`} defaultValue={is?.unit ?? "min"}>
          {units.map(([unit]) => (
            <option key={unit} value={unit} selected={unit === (is?.unit ?? "min")}>
              {unit}
            </option>
          ))}
        </select>
      </div>
      <FieldError error={props.error} field={props.field ?? props.name} id={`e-${props.name}`} />
    </div>
  );
}

/** One of some words. */
export function Pick<T extends string>(
  props: Field & { value: T; options: readonly (readonly [T, string])[]; onChange?: (value: T) => void },
) {
  return (
    <div>
      <label>
        {props.label}
        <select
          name={props.name}
          aria-invalid={wrong(props)}
          aria-describedby={`e-${props.name}`}
          onChange={(e) => props.onChange?.(e.currentTarget.value as T)}
        >
          {props.options.map(([value, text]) => (
            <option key={value} value={value} selected={value === props.value}>
              {text}
            </option>
          ))}
        </select>
      </label>
      <FieldError error={props.error} field={props.field ?? props.name} id={`e-${props.name}`} />
    </div>
  );
}

export function Check(props: { name: string; label: string; checked: boolean; value?: string }) {
  return (
    <label class="check">
      <input name={props.name} type="checkbox" defaultChecked={props.checked} value={props.value ?? "on"} />{" "}
      {props.label}
    </label>
  );
}

/** Fields that belong together. */
export function Group({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <fieldset class="group">
      <legend>{title}</legend>
      {children}
    </fieldset>
  );
}
