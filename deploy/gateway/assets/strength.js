// How far a new password is from being taken, while it is typed. Looks only at length and repetition; sends nothing.
"use strict";

function repeats(text) {
  const kinds = new Set(text.toLowerCase()).size;
  return text.length >= 8 && kinds <= text.length / 3;
}

function verdict(text, words, shortest) {
  const missing = shortest - [...text.normalize("NFKC")].length;
  if (text === "") return "";
  if (missing === 1) return words.one;
  if (missing > 1) return words.more.replace("{count}", missing);
  return repeats(text) ? words.repeats : words.enough;
}

for (const hint of document.querySelectorAll("[data-strength-of]")) {
  const input = document.getElementById(hint.dataset.strengthOf);
  let waiting;
  input.addEventListener("input", () => {
    clearTimeout(waiting); // a screen reader hears where one stands, not each letter
    waiting = setTimeout(() => {
      hint.textContent = verdict(input.value, hint.dataset, Number(hint.dataset.shortest));
    }, 300);
  });
}
