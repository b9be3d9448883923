// One listing of a table: what it holds, what the service said, what the person decided.

export const STATES = { waiting: "waiting", sent: "sent", predicted: "predicted", failed: "failed" };

/** The filters of the table. Each row is in `all` and, once answered, in one other. */
export const FILTERS = ["all", "review", "accept", "corrected", "errors"];

export class Row {
  constructor(number, cells) {
    this.number = number; // from 0, in the file's order
    this.cells = cells;
    this.id = "";
    this.title = "";
    this.description = "";
    this.label = ""; // the category that the table names, as it names it
    this.truth = null; // its code, where the version that answered knows it
    this.photo = null;
    this.photoMissing = false; // it names a photo that is not among those given
    this.forget();
  }

  /** Back to what it was before it was sent; the person's choice goes too. */
  forget() {
    this.state = STATES.waiting;
    this.answer = null;
    this.error = null;
    this.choice = null;
    this.tries = 0;
  }

  predicted(prediction) {
    this.state = STATES.predicted;
    this.error = null;
    this.answer = {
      code: prediction.category.code,
      confidence: prediction.confidence,
      decision: prediction.decision,
      top: prediction.predictions.map(({ code, confidence }) => ({ code, confidence })),
      version: prediction.model.version,
    };
  }

  failed(code, status = 0) {
    this.state = STATES.failed;
    this.error = { code, status };
  }

  /** The category where the row stands for now: the person's, else the model's; null before there is one. */
  get category() {
    return this.choice ?? this.answer?.code ?? null;
  }

  /** Whether the model says what the table says; null where one of them says nothing. */
  get isRight() {
    return this.truth === null || this.answer === null ? null : this.answer.code === this.truth;
  }

  get filter() {
    if (this.choice !== null) return "corrected";
    if (this.state === STATES.failed) return "errors";
    return this.answer?.decision.action ?? null;
  }

  /** The category that stands: the person's, else the model's where it may file alone; null where neither is. */
  get final() {
    return this.choice ?? (this.answer?.decision.action === "accept" ? this.answer.code : null);
  }

  isIn(filter) {
    return filter === "all" || this.filter === filter;
  }
}

/** How many rows each filter shows. */
export function counts(rows) {
  const found = Object.fromEntries(FILTERS.map((filter) => [filter, 0]));
  found.all = rows.length;
  for (const row of rows) {
    if (row.filter !== null) found[row.filter] += 1;
  }
  return found;
}
