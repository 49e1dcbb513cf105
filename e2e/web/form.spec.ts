import { expect, test } from "./support/test.ts";

interface Schema {
  properties?: Record<string, Schema>;
  default?: unknown;
  anyOf?: Schema[];
  $ref?: string;
}

// pathsOf returns the fields of a job as the document of the API has them, with their defaults.
function pathsOf(schemas: Record<string, Schema>, name: string, prefix = ""): Map<string, unknown> {
  const all = new Map<string, unknown>();
  for (const [field, schema] of Object.entries(schemas[name]?.properties ?? {})) {
    const ref = [schema, ...(schema.anyOf ?? [])].find((s) => s.$ref)?.$ref?.split("/").at(-1);
    if (ref && schemas[ref]?.properties) {
      pathsOf(schemas, ref, `${prefix}${field}.`).forEach((value, path) => all.set(path, value));
    } else {
      all.set(prefix + field, schema.default);
    }
  }
  return all;
}

test("the form has every field that a job has, each with its default", async ({ page, empty }) => {
  const doc = await empty.request<{ components: { schemas: Record<string, Schema> } }>("GET", "/openapi.json");
  const want = pathsOf(doc.components.schemas, "JobSpec");
  expect(want.size).toBeGreaterThan(30);
  await page.goto(`${empty.url}/ui/jobs/new`);
  await expect(page.getByRole("button", { name: "Create job" })).toBeVisible();
  const has = await page.evaluate(() =>
    [...document.querySelectorAll<HTMLInputElement>(".jobform [name]")].map((e) => [
      e.name,
      e.type === "checkbox" ? String(e.checked) : e.tagName === "SELECT" ? e.value : e.placeholder,
    ]),
  );
  const controls = new Map(has.filter(([name]) => name !== "The body is") as [string, string][]);
  expect([...controls.keys()].sort()).toEqual([...want.keys()].sort());
  for (const [path, value] of want) {
    if (value !== undefined) {
      expect(controls.get(path), path).toBe(String(value));
    }
  }
});

test("a schedule goes back byte for byte, and an edit sends what was edited", async ({ page, start }) => {
  const server = await start();
  const schedule = "0   0 4 * *  mon-FRI";
  const id = await server.createJob({ name: "before", schedule, body: { n: 1 }, headers: { Authorization: "Bearer x" } });
  await page.goto(`${server.url}/ui/jobs/${id}/edit`);
  await expect(page.getByText("Nothing is changed")).toBeVisible();
  await expect(page.getByRole("button", { name: "Save changes" })).toBeDisabled();
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("after");
  const sent = page.waitForRequest((r) => r.method() === "PUT");
  await page.getByRole("button", { name: "Save changes" }).click();
  expect((await sent).postData()).toBe('{"name":"after"}');
  expect((await sent).headers()["if-match"]).toBeTruthy();
  await expect(page.getByRole("heading", { level: 1, name: "after" })).toBeVisible();
  const job = await server.request<{ spec: { schedule: string; name: string } }>("GET", `/jobs/${id}`);
  expect(job.spec).toMatchObject({ schedule, name: "after" });
});

test("the form says how many fires are due in the same second", async ({ page, start }) => {
  const server = await start();
  await server.createJob({ name: "one", schedule: "0 0 4 * * *" });
  const id = await server.createJob({ name: "two", schedule: "0 0 4 * * *" });
  await server.createJob({ name: "another minute", schedule: "0 1 4 * * *" });
  await page.goto(`${server.url}/ui/jobs/new`);
  const schedule = page.getByRole("textbox", { name: "Schedule", exact: true });
  await schedule.fill("0 0 4 * * *");
  await expect(page.getByText("In the second of its next fire 2 other fires are due.")).toBeVisible();
  await schedule.fill("0 1 4 * * *");
  await expect(page.getByText("In the second of its next fire 1 other fire is due.")).toBeVisible();
  await schedule.fill("0 2 4 * * *");
  await expect(page.getByText("In the second of its next fire 0 other fires are due.")).toBeVisible();
  await page.goto(`${server.url}/ui/jobs/${id}/edit`);
  await expect(page.getByText("2 fires are due, with those of this job as it is stored.")).toBeVisible();
});

test("what the API refuses is said beside the field", async ({ page, guard, start }) => {
  const server = await start();
  guard.allow(/status of 422/);
  await page.goto(`${server.url}/ui/jobs/new`);
  await page.getByRole("textbox", { name: "URL", exact: true }).fill("ftp://example.com/");
  const schedule = page.getByRole("textbox", { name: "Schedule", exact: true });
  await schedule.fill("0 0 25 * * *");
  await expect(schedule).toHaveAccessibleDescription(/25/); // while one types
  await schedule.fill("0 0 4 * * *");
  await page.getByText("After a failure").click();
  await page.getByRole("textbox", { name: "Retries", exact: true }).fill("1000");
  await page.getByRole("button", { name: "Create job" }).click();
  await expect(page.getByRole("textbox", { name: "Retries", exact: true })).toHaveAccessibleDescription(/100/);
  const url = page.getByRole("textbox", { name: "URL", exact: true });
  await expect(url).toHaveAccessibleDescription(/http/);
  await expect(url).toBeFocused();
  await expect(url).toHaveAttribute("aria-invalid", "true");
  const note = page.locator(".jobform .beside").getByRole("alert");
  await expect(note).toHaveText(/The document has wrong fields\s*See beside: URL, Retries\./); // once, and not twice
  await expect(page.getByText(/must be.*100/)).toHaveCount(1);
  await page.getByRole("textbox", { name: "Name", exact: true }).pressSequentially("Typed"); // adds nothing to the note
  await expect(note).toContainText("URL, Retries.");
  await page.getByRole("textbox", { name: "Retries", exact: true }).fill("3"); // and its section stays open
  await expect(page.getByRole("textbox", { name: "Retries", exact: true })).toBeVisible();
  await expect(page.getByRole("textbox", { name: "Retries", exact: true })).not.toHaveAttribute("aria-invalid", "true");
});

test("an edit that another one has overtaken is not saved, and says what has changed", async ({ page, guard, start }) => {
  const server = await start();
  guard.allow(/status of 412/);
  const id = await server.createJob({ name: "mine", tags: ["a"] });
  await page.goto(`${server.url}/ui/jobs/${id}/edit`);
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("my change");
  await server.request("PUT", `/jobs/${id}`, { timeoutMs: 1234 });
  await page.getByRole("button", { name: "Save changes" }).click();
  const note = page.getByRole("alert").filter({ hasText: "Somebody else has changed this job" });
  await expect(note).toContainText("Timeout: 30000 → 1234");
  await note.getByRole("button", { name: "Save my changes on top" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "my change" })).toBeVisible();
  const job = await server.request<{ spec: Record<string, unknown>; version: number }>("GET", `/jobs/${id}`);
  expect(job.spec).toMatchObject({ name: "my change", timeoutMs: 1234, tags: ["a"] });
  expect(job.version).toBe(3);
});

test("an edit shows which fires are gained and lost", async ({ page, guard, start }) => {
  const server = await start();
  guard.allow(/status of 422/);
  const id = await server.createJob({ name: "moved", schedule: "0 0 4 * * *" });
  await page.goto(`${server.url}/ui/jobs/${id}/edit`);
  await page.getByRole("textbox", { name: "Schedule", exact: true }).fill("0 0 5 * * *");
  const does = page.getByRole("region", { name: "What the change does" });
  await expect(does).toContainText("30 fires gained, 30 fires lost");
  await expect(does.locator("time").filter({ hasText: "05:00:00 UTC" })).toHaveCount(20);
  await page.getByRole("textbox", { name: "Schedule", exact: true }).fill("0 0 4 * * *");
  await expect(does).toBeHidden();
});

test("clock changes are shown while one types", async ({ page, guard, empty }) => {
  guard.allow(/status of 422/);
  await page.goto(`${empty.url}/ui/jobs/new`);
  await page.getByRole("textbox", { name: "Schedule", exact: true }).fill("0 30 2 * * *");
  await page.getByRole("combobox", { name: "Time zone" }).fill("Europe/Berlin");
  const preview = page.getByRole("region", { name: "When it fires" });
  await expect(preview.getByText("Clock goes forward").first()).toBeVisible();
  await expect(preview.getByText("Clock goes back").first()).toBeVisible();
  await page.getByText("More about the schedule").click();
  await page.getByRole("textbox", { name: "Not before" }).fill("2040-03-01T00:00:00Z");
  await page.getByRole("textbox", { name: "Not at or after" }).fill("2040-03-03T00:00:00Z");
  await expect(preview.locator("ol.fires li")).toHaveCount(2);
  await expect(preview.locator("ol.fires li").first()).toContainText("2040-03-01 02:30:00");
});
