/** Sets properties of an element's style from a template, as in `<div ${styled({ '--share': '40%' })}>`. It speaks to the style
 * itself and writes no attribute, which the policy of the page would refuse. */
import { nothing } from 'lit'
import { Directive, type ElementPart, directive } from 'lit/directive.js'

type Properties = Record<string, string | undefined>

class Styled extends Directive {
  private before: Properties = {}

  override render(_properties: Properties) {
    return nothing
  }

  override update({ element }: ElementPart, [properties]: [Properties]) {
    const { style } = element as HTMLElement | SVGElement
    for (const name of Object.keys(this.before))
      if (properties[name] === undefined) style.removeProperty(name)
    for (const [name, value] of Object.entries(properties))
      if (value !== undefined && value !== this.before[name]) style.setProperty(name, value)
    this.before = properties
    return nothing
  }
}

export const styled = directive(Styled)
