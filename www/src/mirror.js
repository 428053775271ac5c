// Attributes as properties: what is set on one side is read on the other, and nothing is kept twice.

/**
 * Gives a class one property for each attribute, in camel case.
 * @param {typeof HTMLElement} element
 * @param {string[]} attributes
 */
export function mirror(element, attributes) {
  for (const attribute of attributes) {
    const property = attribute.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
    if (property in HTMLElement.prototype) continue;
    Object.defineProperty(element.prototype, property, {
      get() {
        return this.getAttribute(attribute);
      },
      set(value) {
        if (value === null || value === undefined) this.removeAttribute(attribute);
        else this.setAttribute(attribute, value);
      },
      configurable: true,
      enumerable: true,
    });
  }
}
