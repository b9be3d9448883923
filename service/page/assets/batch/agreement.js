// How the answers agree with the categories that the table names.

/** Stands for the category of rows that have none yet. */
export const UNANSWERED = "\0";

/** Of each category the rows that stand there: {code, listings, accept, review, right, judged}, most listings first.
 * `judged` have a true category, and `right` were predicted as that. */
export function tally(rows) {
  const tallies = new Map();
  for (const row of rows) {
    const code = row.category ?? UNANSWERED;
    const counts = tallies.get(code) ?? { code, listings: 0, accept: 0, review: 0, right: 0, judged: 0 };
    tallies.set(code, counts);
    counts.listings += 1;
    if (row.answer) counts[row.answer.decision.action] += 1;
    if (row.isRight !== null) counts.judged += 1;
    if (row.isRight) counts.right += 1;
  }
  return [...tallies.values()].sort((left, right) => right.listings - left.listings);
}

/** In a sentence or two how often the service agrees with the table, and what could not be compared; "" without labels. */
export function agreementWords(app, rows) {
  const { t, number, percent } = app;
  const judged = rows.filter((row) => row.isRight !== null);
  const unknown = rows.filter((row) => row.label && row.truth === null && row.answer);
  const share = (some) => (some.length ? percent(some.filter((row) => row.isRight).length / some.length, 1) : "–");
  const accepted = judged.filter((row) => row.answer.decision.action === "accept");
  const values = { share: share(judged), all: number(judged.length), accepted: number(accepted.length), accepted_share: share(accepted) };
  const example = unknown[0]?.label;
  return [
    judged.length && t(accepted.length ? "batch.agreement" : "batch.agreement_none", values),
    unknown.length && t("batch.agreement_unknown", { count: number(unknown.length), example }),
  ].filter(Boolean).join(" ");
}
