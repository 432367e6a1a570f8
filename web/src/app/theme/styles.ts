/** What all elements share: controls, panels, tables and states. Every element lists it first in its `styles`. */
import { css } from 'lit'

export const shared = css`
  :host {
    box-sizing: border-box;
    display: block;
    color: var(--text);
    font: var(--text-base) / 1.45 var(--font);
  }
  :host([hidden]),
  [hidden] {
    display: none !important;
  }
  *,
  *::before,
  *::after {
    box-sizing: inherit;
  }
  h1,
  h2,
  h3,
  p,
  figure,
  dl,
  dd {
    margin: 0;
  }
  h1 {
    font-size: var(--text-title);
    font-weight: 650;
    letter-spacing: -0.01em;
    line-height: 1.25;
  }
  h2 {
    font-size: var(--text-base);
    font-weight: 620;
  }
  h3 {
    font-size: var(--text-small);
    font-weight: 600;
    color: var(--muted);
  }
  a {
    color: var(--accent);
    text-decoration-thickness: 1px;
    text-underline-offset: 2px;
  }
  code,
  pre {
    font-family: var(--mono);
    font-size: var(--text-small);
  }
  svg.icon {
    width: 16px;
    height: 16px;
    flex: none;
    fill: none;
    stroke: currentColor;
    stroke-width: 1.6;
    stroke-linecap: round;
    stroke-linejoin: round;
  }

  button,
  .button {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 6px;
    min-height: var(--control);
    padding: 0 11px;
    border: 1px solid var(--line);
    border-radius: var(--radius-small);
    background: var(--surface);
    color: var(--text);
    font: inherit;
    font-weight: 520;
    text-decoration: none;
    white-space: nowrap;
    cursor: pointer;
  }
  button:hover:not(:disabled),
  .button:hover {
    border-color: var(--line-strong);
  }
  button:disabled {
    opacity: 0.55;
    cursor: not-allowed;
  }
  button.primary,
  .button.primary {
    border-color: var(--accent);
    background: var(--accent);
    color: var(--accent-text);
  }
  button.primary:hover:not(:disabled),
  .button.primary:hover {
    filter: brightness(1.08);
  }
  button.quiet,
  .button.quiet {
    border-color: transparent;
    background: transparent;
    color: var(--muted);
  }
  button.quiet:hover:not(:disabled),
  .button.quiet:hover {
    background: var(--sunken);
    color: var(--text);
  }
  button.icon-only {
    width: var(--control);
    padding: 0;
  }
  button.danger {
    color: var(--bad);
  }

  input,
  select,
  textarea {
    min-height: var(--control);
    min-width: 0;
    padding: 4px 9px;
    border: 1px solid var(--line);
    border-radius: var(--radius-small);
    background: var(--surface);
    color: var(--text);
    font: inherit;
  }
  input:hover,
  select:hover,
  textarea:hover {
    border-color: var(--line-strong);
  }
  input::placeholder,
  textarea::placeholder {
    color: var(--muted);
    opacity: 1;
  }
  input[type='checkbox'],
  input[type='radio'] {
    min-height: 0;
    width: 15px;
    height: 15px;
    margin: 0;
    accent-color: var(--accent);
  }
  label.field {
    display: grid;
    gap: 4px;
    font-size: var(--text-small);
    color: var(--muted);
  }
  label.check {
    display: inline-flex;
    align-items: center;
    gap: 7px;
  }
  :focus {
    outline: none;
  }
  :focus-visible {
    outline: 2px solid var(--accent);
    outline-offset: 2px;
  }
  input:focus-visible,
  select:focus-visible,
  textarea:focus-visible {
    outline-offset: -1px;
  }

  .panel {
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: var(--surface);
    box-shadow: var(--shadow);
  }
  .row {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: var(--space-2);
  }
  .grow {
    flex: 1 1 auto;
    min-width: 0;
  }
  .muted {
    color: var(--muted);
  }
  .small {
    font-size: var(--text-small);
  }
  .number {
    text-align: right;
    font-variant-numeric: tabular-nums;
  }
  .clip {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .chip {
    display: inline-flex;
    align-items: center;
    gap: 5px;
    padding: 1px 7px;
    border-radius: 999px;
    background: var(--sunken);
    color: var(--muted);
    font-size: var(--text-small);
    white-space: nowrap;
  }
  .chip.good {
    background: var(--good-soft);
    color: var(--good);
  }
  .chip.warn {
    background: var(--warn-soft);
    color: var(--warn);
  }
  .chip.bad {
    background: var(--bad-soft);
    color: var(--bad);
  }
  .dot {
    width: 8px;
    height: 8px;
    flex: none;
    border-radius: 50%;
    background: var(--line-strong);
  }
  .dot.good {
    background: var(--good);
  }
  .dot.warn {
    background: var(--warn);
  }
  .dot.bad {
    background: var(--bad);
  }

  table {
    width: 100%;
    border-collapse: collapse;
  }
  th,
  td {
    padding: 6px var(--space-3);
    border-bottom: 1px solid var(--line);
    text-align: left;
    vertical-align: middle;
  }
  th {
    color: var(--muted);
    font-size: var(--text-small);
    font-weight: 560;
  }
  tbody tr:last-child > * {
    border-bottom: 0;
  }
  th.number,
  td.number {
    text-align: right;
  }

  dialog {
    max-width: min(560px, calc(100vw - 24px));
    max-height: calc(100vh - 24px);
    padding: var(--space-5);
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: var(--raised);
    color: var(--text);
    box-shadow: var(--shadow-raised);
  }
  dialog::backdrop {
    background: var(--scrim);
  }
  .state {
    display: grid;
    justify-items: center;
    gap: var(--space-2);
    padding: var(--space-6) var(--space-4);
    color: var(--muted);
    text-align: center;
  }
  .state strong {
    color: var(--text);
    font-weight: 600;
  }
  .problem {
    padding: 8px var(--space-3);
    border-radius: var(--radius-small);
    background: var(--bad-soft);
    color: var(--bad);
  }
  .notice {
    padding: 8px var(--space-3);
    border-radius: var(--radius-small);
    background: var(--warn-soft);
    color: var(--warn);
  }
  .hidden-text {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
`
