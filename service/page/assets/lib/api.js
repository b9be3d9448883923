// Requests to the service, with errors that a person can read.

const DOWN = new Set(["unreachable", "model_unavailable", "draining"]);

export class ApiError extends Error {
  /** `code` is the problem's, or `unreachable`, or `unexpected`; `retryAfter` is in seconds, or null. */
  constructor(code, status, sentence, { retryAfter = null, pointer = null } = {}) {
    super(sentence);
    this.code = code;
    this.status = status;
    this.sentence = sentence;
    this.retryAfter = retryAfter;
    this.pointer = pointer;
  }

  /** Whether the service as a whole does not answer, rather than this one request. */
  get isDown() {
    return DOWN.has(this.code);
  }
}

/** True for the error of a request that was given up because a newer one replaced it. */
export const isAborted = (error) => error instanceof DOMException && error.name === "AbortError";

/**
 * The page's `api(path, {method, body, signal, query, raw})`. `query`: `true` for `lang`, `version` or `precision` means the
 * page's own; null leaves one out. `body`: FormData, Blob and text as they are, all else as JSON. Gives the parsed
 * JSON, or with `raw` the response. Throws ApiError, and the AbortError of an aborted `signal`.
 */
export function client({ language, chosen, key, onError }) {
  return async function api(path, options = {}) {
    try {
      const response = await send(path, options, chosen, key());
      if (!response.ok) {
        throw await problem(response, language);
      }
      return options.raw ? response : await response.json();
    } catch (error) {
      if (isAborted(error)) {
        throw error;
      }
      const known = error instanceof ApiError ? error : new ApiError("unreachable", 0, language.t("error.unreachable"));
      onError(known);
      throw known;
    }
  };
}

/** The address of one of the service's paths: the page may lie below a prefix that a proxy takes away. */
export const addressOf = (path) => new URL(`.${path}`, document.baseURI).href;

function send(path, { method = "GET", body = null, signal = null, query = {} }, chosen, key) {
  const url = new URL(addressOf(path));
  for (const [name, given] of Object.entries(query)) {
    const value = given === true && Object.hasOwn(chosen, name) ? chosen[name]() : given;
    if (value !== null && value !== undefined) {
      url.searchParams.set(name, value);
    }
  }
  const headers = key ? { "X-API-Key": key } : {};
  const asIs = body === null || body instanceof FormData || body instanceof Blob || typeof body === "string";
  if (!asIs) {
    headers["Content-Type"] = "application/json";
  } else if (body instanceof Blob && body.type) {
    headers["Content-Type"] = body.type;
  }
  return fetch(url, { method, headers, signal, body: asIs ? body : JSON.stringify(body) });
}

async function problem(response, language) {
  let code = "unexpected";
  let pointer = null;
  try {
    const body = await response.json();
    code = typeof body.code === "string" ? body.code : code;
    pointer = body.errors?.[0]?.pointer ?? null;
  } catch {
    // Not ours: a proxy's page, or an answer that was cut off.
  }
  const retryAfter = Number(response.headers.get("Retry-After")) || null;
  return new ApiError(code, response.status, sentence(code, response.status, retryAfter, language), { retryAfter, pointer });
}

/** What to tell a person about a code; also for errors inside an answer, as in a batch. */
export function sentence(code, status, retryAfter, language) {
  const key = language.has(`error.${code}`) ? `error.${code}` : "error.unexpected";
  return language.t(key, { status, seconds: retryAfter ?? 1 });
}
