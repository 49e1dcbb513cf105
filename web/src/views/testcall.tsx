// A test call: the request of a job is sent once, and shown with what came back.
import { useState } from "preact/hooks";
import { duration } from "../format.ts";
import { partsOf, requestText, responseText } from "../testcall.ts";
import type { TestCall } from "../types.gen.ts";
import { ErrorNote, Icon, Skeleton, StatusBadge } from "../ui/basics.tsx";
import { Dialog } from "../ui/dialog.tsx";

interface Shown {
  result?: TestCall;
  error?: Error;
}

/** The button, and the dialog with what came back. onRefused gets what has kept the call from being made. */
export function TestCallButton(props: { ask: () => Promise<TestCall>; onRefused?: (err: unknown) => void }) {
  const [shown, show] = useState<Shown>();
  const send = async (): Promise<void> => {
    show({});
    try {
      const result = await props.ask();
      show((s) => s && { result });
    } catch (err) {
      show((s) => (s && !props.onRefused ? { error: err as Error } : undefined));
      props.onRefused?.(err);
    }
  };
  return (
    <>
      <button type="button" onClick={() => void send()}>
        <Icon name="test" /> Send a test call
      </button>
      {shown && (
        <Dialog title="Test call" wide onClose={() => show(undefined)}>
          <div aria-live="polite">
            {shown.result ? <Result result={shown.result} /> : <ErrorNote error={shown.error} />}
            {!shown.result && !shown.error && (
              <>
                <p class="muted">The request is on its way. It may take up to half a minute.</p>
                <Skeleton height={240} />
              </>
            )}
          </div>
        </Dialog>
      )}
    </>
  );
}

function Result({ result: r }: { result: TestCall }) {
  return (
    <>
      <p class="facts">
        <StatusBadge status={r.success ? "SUCCESS" : "FAILED"} />
        <b>{r.response ? `HTTP ${r.response.status}` : "No answer"}</b>
        <span class="muted">after {duration(r.timings.totalMs)}</span>
      </p>
      {r.error && (
        <div class="note bad">
          <b>{r.sent ? "What went wrong:" : "Nothing was sent:"}</b> {r.error}
        </div>
      )}
      {!r.success && (
        <p class="muted">A fire with this outcome {r.retried ? "is tried again" : "is not tried again"}.</p>
      )}
      {r.response && (
        <>
          <h3>Answer</h3>
          <pre class="text" tabIndex={0} role="region" aria-label="The answer">
            {responseText(r.response)}
          </pre>
        </>
      )}
      <h3>Request</h3>
      <pre class="text" tabIndex={0} role="region" aria-label="The request">
        {requestText(r.request)}
      </pre>
      <h3>Time</h3>
      <Times timings={r.timings} />
      <p class="muted">
        A real request, with Belfry-Test: true. It is in the audit trail, and nowhere else: no execution, no retry, no
        alert.
      </p>
    </>
  );
}

function Times({ timings }: { timings: TestCall["timings"] }) {
  return (
    <ol class="steps">
      {partsOf(timings).map((p) => (
        <li key={p.name}>
          <p>
            <b>{p.name}</b> <span class="muted">{duration(p.ms)}</span>
          </p>
          <div class="track" aria-hidden="true">
            <i class="open" style={{ left: `${p.left}%`, width: `${p.width}%` }} />
          </div>
        </li>
      ))}
    </ol>
  );
}
