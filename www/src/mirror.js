// Attributes as properties: what is set on one side is read on the other, and nothing is kept twice.

/** @param {string} attribute */
function propertyOf(attribute) {
  return attribute.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
}

/**
 * Hands over what a page has set before the element was defined: such values hide the class's properties.
 * @param {any} element
 * @param {string[]} names attributes, or properties of the same name
 */
export function adopt(element, names) {
  for (const property of names.map(propertyOf)) {
    if (!Object.hasOwn(element, property)) continue;
    const value = element[property];
    delete element[property];
    element[property] = value;
  }
}

/**
 * Gives a class one property for each attribute, in camel case.
 * @param {typeof HTMLElement} element
 * @param {string[]} attributes
 */
export function mirror(element, attributes) {
  for (const attribute of attributes) {
    const property = propertyOf(attribute);
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
