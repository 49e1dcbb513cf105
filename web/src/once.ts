// Requests that are carried out once, however often they are sent.
import { ApiError, newId } from "./api.ts";

/**
 * The Idempotency-Key of a form. It stays the same while the same content is sent again because no answer came: the
 * request may have been carried out. It is another one for other content, and after an answer that is definite.
 */
export class Once {
  #content: string | undefined;
  #key = "";

  /** The headers with which some content is sent. */
  headers(content: string): Record<string, string> {
    if (content !== this.#content) {
      this.#content = content;
      this.#key = newId();
    }
    return { "Idempotency-Key": this.#key };
  }

  /** Sends some content by a call that takes its headers. */
  async send<T>(content: string, call: (headers: Record<string, string>) => Promise<T>): Promise<T> {
    try {
      const answer = await call(this.headers(content));
      this.#content = undefined;
      return answer;
    } catch (err) {
      if (isDefinite(err)) this.#content = undefined;
      throw err;
    }
  }
}

/** Whether the server has refused for good. After a fault of its own, or while the request is under way, it has not. */
const isDefinite = (err: unknown): boolean =>
  err instanceof ApiError && err.status < 500 && err.status !== 429 && err.problem?.code !== "idempotency-key-in-use";
