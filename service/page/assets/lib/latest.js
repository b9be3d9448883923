// Work of which only the newest counts: a newer start cancels what waits or runs.

export class Latest {
  #timer = null;
  #abort = null;

  /** After `wait` ms run `job(signal)`; its result or error goes nowhere: the job shows it itself. */
  start(job, wait = 0) {
    this.stop();
    const abort = new AbortController();
    this.#abort = abort;
    this.#timer = setTimeout(() => job(abort.signal), wait);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#abort?.abort();
  }
}
