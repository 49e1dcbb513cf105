// How one comes in: by a provider of OpenID Connect where there is one, or with a form for a key; and the way out.
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "./api.ts";
import {
  asksAgain,
  me,
  needsAnother,
  providerRefusal,
  providerUrl,
  refusalText,
  SIGN_IN_ERROR,
  signIn,
  signOut,
  ways,
  willAskAgain,
} from "./me.ts";
import { useStore } from "./store.ts";
import { ErrorNote, Head } from "./ui/basics.tsx";
import { say } from "./ui/dialog.tsx";

export function SignIn() {
  const [key, setKey] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error>();
  const field = useRef<HTMLInputElement>(null);
  const provider = useStore(ways)?.oidc;
  useEffect(() => {
    if (!provider) field.current?.focus();
  }, [provider]);
  const submit = async (e: Event): Promise<void> => {
    e.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      await signIn(key);
      location.reload();
      return;
    } catch (err) {
      setError(err as Error);
      setKey("");
      field.current?.focus();
    }
    setBusy(false);
  };
  const refused = error instanceof ApiError;
  return (
    <>
      <Head title="Sign in" />
      {provider && <Provider name={provider.name} url={provider.url} />}
      <form class="signin" onSubmit={(e) => void submit(e)}>
        <label for="key">API key</label>
        <input
          ref={field}
          id="key"
          type="password"
          autocomplete="off"
          spellcheck={false}
          required
          maxLength={512}
          value={key}
          aria-describedby="key-error key-note"
          aria-invalid={refused}
          onInput={(e) => setKey(e.currentTarget.value)}
        />
        <p class="field-error" id="key-error" aria-live="polite">
          {refused && refusalText(error.status, error.problem)}
        </p>
        {!refused && <ErrorNote error={error} />}
        <button type="submit" class="primary" disabled={busy || key.trim() === ""}>
          Sign in
        </button>
        <p class="muted" id="key-note">
          The key is not kept in this browser. An admin creates keys with <code>belfry keys create</code>.
        </p>
      </form>
    </>
  );
}

/** The way to a provider, and why it has failed. It is a link: the browser goes there. */
function Provider({ name, url }: { name: string; url: string }) {
  const [refusal] = useState(() => providerRefusal(location.search));
  const [another] = useState(() => needsAnother(location.search));
  const there = new URL(location.href);
  there.searchParams.delete(SIGN_IN_ERROR);
  const here = there.pathname + there.search;
  useEffect(() => {
    if (another) asksAgain(true);
    if (refusal) history.replaceState(history.state, "", here); // it is told once
  }, [refusal, another, here]);
  return (
    <div class="signin">
      {refusal && (
        <p class="field-error" role="alert">
          {refusal}
        </p>
      )}
      <a class="button primary" href={providerUrl(url, here, another || willAskAgain())}>
        Sign in with {name}
      </a>
      <p class="muted">Or with an API key:</p>
    </div>
  );
}

/** Who is signed in, and the way out; nothing where no key is set. */
export function Account() {
  const who = useStore(me);
  const [busy, setBusy] = useState(false);
  if (who?.kind !== "session") return null;
  const leave = async (): Promise<void> => {
    setBusy(true);
    try {
      await signOut();
    } catch (err) {
      say((err as Error).message, true);
      setBusy(false);
    }
  };
  const name = who.name ?? who.subject ?? who.keyId ?? "";
  return (
    <button
      type="button"
      class="quiet account"
      disabled={busy}
      title={`Signed in as ${name}, ${who.role}`}
      onClick={() => void leave()}
    >
      Sign out
    </button>
  );
}
