// Rows on their way through `POST /predict/batch`: in bounded chunks, a few at a time, until all are answered.

import { isAborted } from "../lib/api.js";
import { STATES } from "./row.js";

const LANES = 2; // requests at once: the service works on four batches, and others want some
const CHUNK_ROWS = 25;
const CHUNK_BYTES = 6 * 1024 * 1024; // the service takes 32 MiB; smaller ones show progress, and cost less to repeat
const MOST_TRIES = 6;
const MOST_ITEM_TRIES = 3;
const LONGEST_PAUSE = 30;
const BUSY = new Set(["overloaded", "rate_limited", "draining", "deadline_exceeded", "model_unavailable", "unreachable"]);
const TOO_LARGE = new Set(["batch_too_large", "body_too_large", "too_many_parts", "part_too_large"]);

/** What is worth another try without anything changed. */
export const isPassing = (code) => BUSY.has(code);

export class Sending {
  #app;
  #queue;
  #most = CHUNK_ROWS;
  #stop = null;
  #onChange;

  /** `options`: the query of every request: `version`, `precision`, `top_k`. `onChange()` is called as rows change. */
  constructor(app, rows, options, onChange) {
    this.#app = app;
    this.#queue = rows.filter((row) => row.state === STATES.waiting);
    this.options = options;
    this.#onChange = onChange;
    this.running = false;
    this.problem = null; // the ApiError that stopped it
    this.busySeconds = 0; // the pause that it makes for a busy service, 0 when it makes none
    this.seconds = 0;
    this.answered = 0;
  }

  get left() {
    return this.#queue.length;
  }

  /** Send what is waiting; returns when all is answered, or it was cancelled or stopped by a problem. */
  async start() {
    if (this.running) return;
    this.running = true;
    this.problem = null;
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    const began = performance.now() - 1000 * this.seconds;
    await Promise.all(
      Array.from({ length: LANES }, async () => {
        while (!signal.aborted && this.#queue.length) {
          await this.#next(signal);
          this.seconds = (performance.now() - began) / 1000;
          this.#onChange();
        }
      }),
    );
    this.running = false;
    this.busySeconds = 0;
    this.#onChange();
  }

  /** Give up the requests in flight; their rows wait again. */
  cancel() {
    this.#stop?.abort();
  }

  /** Let failed rows wait again. */
  again(rows) {
    for (const row of rows) {
      row.forget();
      this.#queue.push(row);
    }
  }

  async #next(signal) {
    const chunk = await this.#take();
    if (!chunk.length) return;
    for (let tries = 0; !signal.aborted; tries += 1) {
      try {
        this.#answer(chunk, await this.#app.api("/predict/batch", { method: "POST", signal, ...this.#request(chunk) }));
        this.busySeconds = 0;
        return;
      } catch (error) {
        if (isAborted(error) || !(await this.#triesAgain(error, chunk, tries, signal))) break;
      }
    }
    this.#putBack(chunk.map(({ row }) => row).filter((row) => row.state === STATES.sent));
  }

  /** The next rows with their photos read, as many as a request may hold. */
  async #take() {
    const rows = this.#queue.splice(0, this.#most); // at once: the other lane takes those that follow
    const chunk = [];
    let bytes = 0;
    while (rows.length && bytes < CHUNK_BYTES) {
      const row = rows.shift();
      row.state = STATES.sent;
      try {
        const photo = (await row.photo?.read()) ?? null;
        if (photo && photo.size > this.#app.photoBytes) {
          row.failed("image_too_large", 413);
          continue;
        }
        bytes += photo?.size ?? 0;
        chunk.push({ row, photo });
      } catch (error) {
        row.failed(error.code?.startsWith?.("zip_") ? error.code : "photo_unreadable");
      }
    }
    this.#queue.unshift(...rows);
    return chunk;
  }

  #request(chunk) {
    const listings = chunk.map(({ row, photo }, index) => ({
      designation: row.title,
      description: row.description,
      ...(photo && { image: `photo-${index}` }),
    }));
    const query = { lang: true, ...this.options };
    if (!chunk.some(({ photo }) => photo)) return { query, body: { listings } };
    const body = new FormData();
    body.append("listings", JSON.stringify(listings));
    chunk.forEach(({ photo }, index) => photo && body.append(`photo-${index}`, photo, "photo"));
    return { query, body };
  }

  #answer(chunk, { results }) {
    for (const { index, status, prediction, error } of results) {
      const { row } = chunk[index];
      row.tries += 1;
      if (prediction) {
        row.predicted(prediction);
        this.answered += 1;
      } else if (isPassing(error.code) && row.tries < MOST_ITEM_TRIES) {
        row.state = STATES.waiting;
        this.#queue.push(row);
      } else {
        row.failed(error.code, status);
      }
    }
  }

  /** After a failed request: whether the same one is sent again. If not, its rows wait again, or have failed. */
  async #triesAgain(error, chunk, tries, signal) {
    if (isPassing(error.code) && tries + 1 < MOST_TRIES) {
      this.busySeconds = Math.min(error.retryAfter ?? 2 ** tries, LONGEST_PAUSE);
      this.#onChange();
      await pause(this.busySeconds, signal);
      return true;
    }
    if (TOO_LARGE.has(error.code) && chunk.length > 1) {
      this.#most = Math.max(1, Math.floor(chunk.length / 2));
    } else if (TOO_LARGE.has(error.code)) {
      chunk[0].row.failed(error.code, error.status);
    } else {
      this.problem = error;
      this.#stop.abort();
    }
    return false;
  }

  #putBack(rows) {
    for (const row of rows) row.state = STATES.waiting;
    this.#queue.unshift(...rows);
  }
}

function pause(seconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, 1000 * seconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
