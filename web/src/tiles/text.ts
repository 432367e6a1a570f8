import { LitElement, type TemplateResult, css, html } from 'lit'
import { customElement, property } from 'lit/decorators.js'
import { shared } from '../app/theme/styles'
import { type Block, type Inline, parsed } from '../model/markdown'

/** A text with bold, italics, headings, lists and links, drawn node by node. */
@customElement('tm-text')
export class TextElement extends LitElement {
  @property() text = ''

  static override styles = [
    shared,
    css`
      :host {
        min-height: 0;
        overflow: auto;
        overflow-wrap: anywhere;
      }
      * + * {
        margin-top: 6px;
      }
      h2 {
        font-size: 17px;
      }
      h3 {
        font-size: 15px;
        color: var(--text);
      }
      h4 {
        margin: 0;
        font-size: 13.5px;
      }
      ul {
        margin-bottom: 0;
        padding-left: 20px;
      }
      li + li {
        margin-top: 2px;
      }
      p {
        white-space: pre-line;
      }
      :is(p, li, h2, h3, h4) * {
        margin: 0;
      }
    `,
  ]

  override render() {
    return parsed(this.text).map(block)
  }
}

function block(each: Block): TemplateResult {
  switch (each.kind) {
    case 'heading':
      if (each.level === 1) return html`<h2>${each.content.map(inline)}</h2>`
      if (each.level === 2) return html`<h3>${each.content.map(inline)}</h3>`
      return html`<h4>${each.content.map(inline)}</h4>`
    case 'list':
      return html`<ul>
        ${each.items.map(item => html`<li>${item.map(inline)}</li>`)}
      </ul>`
    case 'paragraph':
      return html`<p>${each.content.map(inline)}</p>`
  }
}

function inline(each: Inline): TemplateResult | string {
  switch (each.kind) {
    case 'text':
      return each.text
    case 'bold':
      return html`<strong>${each.content.map(inline)}</strong>`
    case 'italic':
      return html`<em>${each.content.map(inline)}</em>`
    case 'link':
      return html`<a href=${each.href} target="_blank" rel="noopener noreferrer nofollow">${each.content.map(inline)}</a>`
  }
}
