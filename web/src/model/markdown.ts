/** The texts of tiles: bold, italics, headings, lists and links. A text comes in, blocks of plain data go out; whoever draws them
 * makes nodes of their own, so that nothing in a text is ever markup. */

export type Inline =
  | { kind: 'text'; text: string }
  | { kind: 'bold' | 'italic'; content: Inline[] }
  | { kind: 'link'; href: string; content: Inline[] }

export type Block =
  | { kind: 'heading'; level: number; content: Inline[] }
  | { kind: 'list'; items: Inline[][] }
  | { kind: 'paragraph'; content: Inline[] }

/** The blocks of a text. */
export function parsed(text: string): Block[] {
  const blocks: Block[] = []
  let lines: string[] = []
  const flush = () => {
    if (lines.length) blocks.push({ kind: 'paragraph', content: inline(lines.join('\n')) })
    lines = []
  }
  for (const line of text.split(/\r?\n/)) {
    const heading = /^(#{1,3}) +(.*)$/.exec(line)
    const item = /^ *[-*] +(.*)$/.exec(line)
    if (heading || item || !line.trim()) flush()
    if (heading) blocks.push({ kind: 'heading', level: heading[1]!.length, content: inline(heading[2]!) })
    else if (item) listed(blocks).push(inline(item[1]!))
    else if (line.trim()) lines.push(line)
    else blocks.push({ kind: 'paragraph', content: [] })
  }
  flush()
  return blocks.filter(block => block.kind !== 'paragraph' || block.content.length > 0)
}

function listed(blocks: Block[]): Inline[][] {
  const last = blocks.at(-1)
  if (last?.kind === 'list') return last.items
  const items: Inline[][] = []
  blocks.push({ kind: 'list', items })
  return items
}

const MARKS = /\*\*([^*]+)\*\*|\*([^*\s](?:[^*]*[^*\s])?)\*|\[([^\]]+)\]\(([^()\s]+)\)/

function inline(text: string): Inline[] {
  const found: Inline[] = []
  let rest = text
  for (let match = MARKS.exec(rest); match; match = MARKS.exec(rest)) {
    const [whole, bold, italic, title, target] = match
    if (match.index) found.push({ kind: 'text', text: rest.slice(0, match.index) })
    if (bold !== undefined) found.push({ kind: 'bold', content: inline(bold) })
    else if (italic !== undefined) found.push({ kind: 'italic', content: inline(italic) })
    else found.push(link(whole, title!, target!))
    rest = rest.slice(match.index + whole.length)
  }
  if (rest) found.push({ kind: 'text', text: rest })
  return found
}

/** A link where the target is one that may be followed; else the text as it was written. */
function link(whole: string, title: string, target: string): Inline {
  const url = URL.canParse(target) ? new URL(target) : undefined
  const allowed = url && ['https:', 'http:', 'mailto:'].includes(url.protocol)
  return allowed
    ? { kind: 'link', href: url.href, content: [{ kind: 'text', text: title }] }
    : { kind: 'text', text: whole }
}
