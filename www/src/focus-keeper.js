// The focus survives what is painted: where its control goes, it moves on to the next one of use.

/**
 * Paints, and sees to it that the focus is on something afterwards.
 * @param {ShadowRoot} root
 * @param {() => void} paint
 * @param {() => HTMLElement | undefined} next what is of most use now
 */
export function keepFocus(root, paint, next) {
  const before = root.activeElement;
  const row = before?.closest("li");
  paint();
  if (!before || isSeen(root.activeElement)) return;
  const near = row ? [...row.querySelectorAll("button")].find(isSeen) : undefined;
  (near ?? next())?.focus();
}

/**
 * Enter presses once however long it is held down: the focus moves on to other controls meanwhile.
 * @param {HTMLElement} controls
 */
export function pressOnce(controls) {
  controls.addEventListener("keydown", (event) => {
    if (event.repeat && event.key === "Enter") event.preventDefault();
  });
}

/** @param {Element | null} element */
function isSeen(element) {
  return element !== null && element.isConnected && element.checkVisibility();
}
