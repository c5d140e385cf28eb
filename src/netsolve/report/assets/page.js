"use strict";
(() => {
  const answers = JSON.parse(document.getElementById("answers").textContent);
  const buttons = [...document.querySelectorAll(".choices button")];
  const put = (id, value) => {
    const place = document.getElementById(id);
    if (!place) return;
    if (place.tagName === "polygon") place.setAttribute("points", value);
    else place.textContent = value;
  };
  const show = (rank) => {
    for (const [id, value] of Object.entries(answers[0])) {
      put(id, value);
      document.getElementById(id)?.classList.remove("changed");
    }
    if (rank) for (const [id, value] of Object.entries(answers[rank])) {
      put(id, value);
      document.getElementById(id)?.classList.add("changed");
    }
    buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(index === rank)));
  };
  buttons.forEach((button, rank) => button.addEventListener("click", () => show(rank)));
  const asked = /^#answer-(\d+)$/.exec(location.hash);
  if (asked && buttons[asked[1] - 1]) show(asked[1] - 1);
})();
