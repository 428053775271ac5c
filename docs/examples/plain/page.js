// Events bubble, so one listener serves all elements of a page.
document.addEventListener("afterbeep-deposited", () => {
  document.querySelector("#thanks").textContent = "Thank you, we call you back.";
});
