/** What happy-dom lacks: it has no top layer, so a popover is shown where it stands. */
const proto = HTMLElement.prototype as Partial<HTMLElement>
proto.showPopover ??= () => undefined
proto.hidePopover ??= () => undefined
