// A form about something that is configured: it replaces what was read, and nothing that somebody else has made of it.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type Answer, ApiError, answerOf, type Route, send } from "../api.ts";
import { useLeaveWarning } from "../leaving.ts";
import { ErrorNote, Skeleton } from "./basics.tsx";
import { Dialog } from "./dialog.tsx";

/** What was read, and its tag; the tag is empty of what is there without being made. */
export interface Read<T> {
  value: T;
  tag: string;
}

async function read<R extends Route>(route: R, id: string): Promise<Read<Answer<R>>> {
  const res = await send(route, { path: { id } });
  return { value: (await answerOf(res)) as Answer<R>, tag: res.headers.get("ETag") ?? "" };
}

/** The headers by which a change replaces what was read, and nothing else. */
const conditionOf = (tag: string): Record<string, string> => (tag ? { "If-Match": tag } : { "If-None-Match": "*" });

/** Shows a form for what an id names, as soon as that is read; for something new at once. */
export function EditDialog<R extends Route>(props: {
  title: string;
  route: R;
  /** undefined: something new. */
  id: string | undefined;
  onClose: () => void;
  children: (is: Read<Answer<R>> | undefined, reload: () => Promise<void>) => ComponentChildren;
}) {
  const { route, id } = props;
  const [is, set] = useState<Read<Answer<R>>>();
  const [error, setError] = useState<Error>();
  const load = async (): Promise<void> => {
    if (id !== undefined) set(await read(route, id));
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is edited stays the same while the dialog is open
  useEffect(() => {
    load().catch(setError);
  }, []);
  return (
    <Dialog title={props.title} onClose={props.onClose} wide>
      <ErrorNote error={error} />
      {id !== undefined && !is && !error && <Skeleton height={300} />}
      {(id === undefined || is) && props.children(is, load)}
    </Dialog>
  );
}

/** What a form does with what is typed. */
interface Saves {
  /** What the button says. */
  submit: string;
  /** Names of fields beside which is said what is wrong with them, and of those that they begin with. */
  fields: readonly string[];
  /** Of what was read; undefined: it is new. */
  tag: string | undefined;
  save: (data: FormData, headers: Record<string, string>) => Promise<void>;
  /** Reads what is there now. */
  reload: () => Promise<void>;
  /** The tag of what is there now. */
  tagNow: () => Promise<string>;
  onClose: () => void;
  children: (error: Error | undefined) => ComponentChildren;
}

const begins = (field: string, names: readonly string[]): boolean =>
  names.some((n) => field === n || field.startsWith(`${n}.`) || field.startsWith(`${n}[`));

export function SettingForm(props: Saves) {
  const [error, setError] = useState<Error>();
  const [busy, setBusy] = useState(false);
  const [typed, setTyped] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  useLeaveWarning(typed, busy);
  const save = async (tag: string): Promise<void> => {
    if (!form.current) return;
    setBusy(true);
    try {
      await props.save(new FormData(form.current), conditionOf(tag));
      props.onClose();
    } catch (err) {
      setError(err as Error);
      setBusy(false);
      requestAnimationFrame(() => form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
    }
  };
  const stale = props.tag !== undefined && error instanceof ApiError && error.status === 412;
  return (
    <form
      ref={form}
      class="ask"
      noValidate
      onInput={() => setTyped(true)}
      onSubmit={(e) => {
        e.preventDefault();
        void save(props.tag ?? "");
      }}
    >
      {props.children(error)}
      {!stale && <ErrorNote error={error} beside={(field) => begins(field, props.fields)} />}
      {stale && (
        <div class="note warn" role="alert">
          <p>Somebody else has changed it meanwhile. Nothing was saved.</p>
          <div class="actions">
            <button type="button" onClick={() => void props.tagNow().then(save, setError)}>
              Save mine in its place
            </button>
            <button type="button" onClick={() => void props.reload().catch(setError)}>
              Drop mine and begin anew
            </button>
          </div>
        </div>
      )}
      <div class="actions end">
        <button type="button" onClick={props.onClose}>
          Cancel
        </button>
        <button type="submit" class="primary" disabled={busy}>
          {props.submit}
        </button>
      </div>
    </form>
  );
}

/** The tag of what an id names now. */
export const tagNow = async (route: Route, id: string): Promise<string> => (await read(route, id)).tag;

/** Asks before something is deleted, or ended. */
export function Confirm(props: {
  title: string;
  does: string;
  act: () => Promise<void>;
  onClose: () => void;
  children: ComponentChildren;
}) {
  const [error, setError] = useState<Error>();
  const [busy, setBusy] = useState(false);
  const act = (): void => {
    setBusy(true);
    props
      .act()
      .then(props.onClose, setError)
      .finally(() => setBusy(false));
  };
  return (
    <Dialog title={props.title} onClose={props.onClose}>
      <div class="ask">
        <p>{props.children}</p>
        <ErrorNote error={error} />
        <div class="actions end">
          <button type="button" onClick={props.onClose}>
            Cancel
          </button>
          <button type="button" class="danger" disabled={busy} onClick={act}>
            {props.does}
          </button>
        </div>
      </div>
    </Dialog>
  );
}
