"use strict";

const form = document.getElementById("listing");
const outcome = document.getElementById("outcome");
const table = document.getElementById("predictions");

const percent = (value) => `${(100 * value).toFixed(1)} %`;

function show(prediction) {
  const { decision, category } = prediction;
  outcome.textContent = decision.action === "accept"
    ? `${category.label}: may be filed without review at ${percent(decision.precision)} precision.`
    : `${category.label}: show it to a person (${decision.reason.replaceAll("_", " ")}).`;
  table.tBodies[0].replaceChildren(...prediction.predictions.map((one) => {
    const row = document.createElement("tr");
    for (const text of [one.code, one.label, percent(one.confidence)]) {
      row.insertCell().textContent = text;
    }
    return row;
  }));
  table.hidden = false;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  table.hidden = true;
  outcome.textContent = "…";
  try {
    const response = await fetch("/predict/text?lang=en", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(Object.fromEntries(new FormData(form))),
    });
    const body = await response.json();
    if (response.ok) {
      show(body);
    } else {
      outcome.textContent = `${body.title}: ${body.detail}`;
    }
  } catch {
    outcome.textContent = "The service cannot be reached.";
  }
});
