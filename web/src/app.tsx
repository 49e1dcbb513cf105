// The dashboard of Belfry: which view the address asks for, and the frame around it.
import { Component, type ComponentChildren, render } from "preact";
import { useEffect } from "preact/hooks";
import { serverNow } from "./api.ts";
import { Frame } from "./frame.tsx";
import { closed, followMe, me, offered, whyNot } from "./me.ts";
import { followLinks, href, match, usePlace } from "./router.ts";
import { applySettings, now } from "./settings.ts";
import { SignIn } from "./signin.tsx";
import { useStore } from "./store.ts";
import { ErrorNote, Head, Skeleton } from "./ui/basics.tsx";
import { type View, views } from "./views.ts";

declare const DEV: boolean;

function find(path: string): { view: View; params: Record<string, string> } | undefined {
  for (const view of views) {
    const params = match(view.path, path);
    if (params) return { view, params };
  }
  return undefined;
}

function App() {
  const { path } = usePlace();
  const found = find(path);
  const who = useStore(me);
  const fault = useStore(closed);
  const title = who === null ? "Sign in" : (found?.view.title ?? "Nothing here");
  useEffect(() => {
    document.title = path === "/" && who !== null ? "Belfry" : `${title} · Belfry`;
  }, [title, path, who]);
  const Shown = found?.view.component;
  const shown = (): ComponentChildren => {
    if (fault) return <ErrorNote error={fault} retry={() => location.reload()} />;
    if (who === null) return <SignIn />;
    if (who === undefined) return <Skeleton lines={6} />;
    const why = found && whyNot(found.view, who);
    if (why) return <NotOffered title={title} why={why} />;
    return Shown ? <Shown params={found.params} /> : <Nothing path={path} />;
  };
  return (
    <Frame views={views.filter((v) => offered(v, who))} view={found?.view}>
      <Guard key={path}>{shown()}</Guard>
    </Frame>
  );
}

function Nothing({ path }: { path: string }) {
  return (
    <>
      <Head title="Nothing here" />
      <p>
        There is no view at <code>{path}</code>. <a href={href("/")}>To the overview</a>
      </p>
    </>
  );
}

/** A view that the address names, and that is not for whoever asks. */
function NotOffered({ title, why }: { title: string; why: string }) {
  return (
    <>
      <Head title={title} />
      <p>
        {why} <a href={href("/")}>To the overview</a>
      </p>
    </>
  );
}

/** Shows a fault of a view in its place, and leaves the frame as it is. */
class Guard extends Component<{ children: ComponentChildren }, { error?: Error }> {
  static override getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <>
        <Head title="This view has a fault" />
        <ErrorNote error={error} retry={() => location.reload()} />
      </>
    );
  }
}

applySettings();
setInterval(() => {
  if (now.watched && !document.hidden) now.set(serverNow());
}, 1000);
followLinks();
followMe();
const at = document.getElementById("app");
if (at) render(<App />, at);
if (DEV) new EventSource("/ui/dev").addEventListener("change", () => location.reload());
