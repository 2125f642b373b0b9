/* The issue page's script: it saves edits automatically, shows them at once, says who else has
 * the issue open, and adds dragging and keyboard control.  All it does is submit the page's forms
 * and follow its links; htmx applies the differences in each response. */
(() => {
  'use strict'

  const PAUSE = 80 // ms without a keystroke before a text is saved
  const LOOK = 2000 // ms between two checks that the page still shows the current issue
  const LOOK_SENDING = 1000
  const LOOK_HIDDEN = 15000
  const TOAST = 8000
  const FRAME = 50 // ms that a new preview may load before it is shown without its images

  const one = (selector, within = document) => within.querySelector(selector)
  const every = (selector, within = document) => [...within.querySelectorAll(selector)]
  const room = () => one('#room')
  const named = (id) => document.getElementById(id)

  let open = 0 // requests under way
  let begun = 0 // and all that were ever started
  let isDragging = false
  let isOut = false // the session has ended
  let isStale = false // after a failed request
  let focused = '' // id of the focused element before the swap
  let panel = '' // id of the panel that was open before the swap
  let anchor = ''
  let answered = '' // id of the form that this response saved

  // --- texts that save automatically ------------------------------------------------------------

  const timers = new Map() // by the form's id
  const sent = new Map() // texts being saved
  const stuck = new Set() // in conflict: the editor has to choose a version
  const stored = new Map() // a saved text as the server stored it
  const passed = new Set() // fields whose newer value is not shown because the editor is in them

  const typed = (form) => one('.typed', form)
  const dirty = () => every('form.auto[data-dirty]')

  function type (form) {
    form.dataset.dirty = ''
    stuck.delete(form.id)
    clearTimeout(timers.get(form.id))
    tellSaved()
    // An empty headline is about to be retyped.
    if (!lacks(form)) timers.set(form.id, setTimeout(() => save(form.id), PAUSE))
  }

  const lacks = (form) => typed(form).name === 'headline' && !typed(form).value.trim()

  const waits = (form) => stuck.has(form.id) || lacks(form) // for the editor

  function save (id) {
    const form = named(id)
    clearTimeout(timers.get(id))
    if (!form || sent.has(id) || stuck.has(id)) return
    if (lacks(form)) {
      typed(form).value = form.elements.was.value
      count(typed(form))
      say('A story needs a headline, so the previous one was kept.')
    }
    if (typed(form).value === form.elements.was.value) {
      clean(form)
      tellSaved()
      return
    }
    sent.set(id, typed(form).value)
    passing = id
    form.requestSubmit()
    passing = ''
  }

  function saved (id, status) {
    const text = sent.get(id)
    const form = named(id)
    sent.delete(id)
    if (!form) return
    const isNewer = typed(form).value !== text
    if (status < 400) {
      form.elements.was.value = text
      typed(form).defaultValue = text
      if (!isNewer) clean(form)
    } else if (!isNewer) stuck.add(id)
    if (isNewer) timers.set(id, setTimeout(() => save(id), PAUSE))
  }

  function clean (form) {
    delete form.dataset.dirty
    stuck.delete(form.id)
    if (form.closest('#shelter')) form.remove()
  }

  function tellSaved () {
    const unsaved = dirty()
    const isStuck = unsaved.some(waits)
    const isOld = passed.size && !unsaved.length
    every('.saved').forEach((shown) => {
      one('span', shown).textContent = isStuck ? 'Not saved' : unsaved.length ? 'Saving…' : isOld ? 'Changed by someone else' : 'Saved'
      shown.classList.toggle('is-warn', Boolean(isStuck || isOld))
      one('svg', shown).style.visibility = unsaved.length || isOld ? 'hidden' : ''
    })
  }

  // A field may leave the page before its text is saved: its form continues in the shelter.  A
  // refused text comes back on top of whatever is shown, until the editor has chosen a version.
  let leaving = [] // copies of the unsaved forms during a swap

  function shelter () {
    for (const copy of leaving.splice(0)) {
      const here = named(copy.id)
      if (!here) named('shelter').append(copy)
      else if (here.dataset.dirty === undefined) {
        typed(here).value = typed(copy).value
        here.elements.was.value = copy.elements.was.value
        here.dataset.dirty = ''
      }
    }
    for (const form of every('#shelter form')) {
      if (named(form.id) !== form) form.remove() // its field is back on the page
      else window.htmx.process(form)
    }
    const isAsked = one('.card.error, .card.conflict')
    dirty().forEach((form) => {
      if (stuck.has(form.id) && isAsked) return
      if (stuck.delete(form.id) || form.closest('#shelter')) idle(() => save(form.id))
    })
  }

  const folded = (text) => text.replace(/\s+/g, ' ').trim() // roughly as it is stored

  // A swap leaves typed text in a field, even for another story or after an undo. So the server's
  // value is shown, unless the text is still being saved or typed.
  function show (field) {
    if (field.form.dataset.dirty === undefined && field !== document.activeElement && field.value !== field.defaultValue) {
      field.value = field.defaultValue
    }
    count(field)
  }

  function count (field) {
    const shown = one('.length', field.form)
    if (!shown) return
    const { limit, of } = shown.dataset
    const length = [...field.value].length
    shown.textContent = limit ? `${length} of ${limit}` : String(length || of || 0)
    shown.classList.toggle('is-warn', Boolean(limit) && length > Number(limit))
  }

  document.addEventListener('input', ({ target }) => {
    if (target.matches('form.auto .typed')) {
      count(target)
      type(target.form)
    } else if (target.id === 'search') {
      clearTimeout(timers.get('search'))
      timers.set('search', setTimeout(() => target.form.requestSubmit(), 200))
    }
  })

  document.addEventListener('focusout', ({ target }) => {
    if (!target.isConnected || !target.matches('form.auto .typed')) return
    const { form } = target
    if (form.dataset.dirty !== undefined) save(form.id)
    else if (passed.delete(form.id)) idle(refresh)
    else if (stored.has(form.id)) target.value = form.elements.was.value = stored.get(form.id)
    stored.delete(form.id)
  })

  // Enter in a single-line field saves like everything else.  A second click submits nothing twice.
  const underWay = new Map() // forms, with their button's value
  let passing = '' // id of the form that `save` submits

  document.addEventListener('submit', (event) => {
    const form = event.target
    const isText = form.matches('form.auto')
    const button = event.submitter?.value || ''
    const isAgain = !isText && form.method === 'post' && underWay.get(form) === button
    if (isText ? passing === form.id : !isAgain) {
      if (!isText && form.method === 'post' && form.closest('#room')) underWay.set(form, button)
      return
    }
    event.preventDefault()
    event.stopImmediatePropagation()
    // A form cannot be submitted from its own submit event.
    if (isText) setTimeout(() => save(form.id))
  }, true)

  document.addEventListener('submit', (event) => {
    const form = event.target
    if (!form.matches('form.auto') || event.defaultPrevented) return
    event.preventDefault() // htmx no longer controls it, and the browser would leave the page
    sent.delete(form.id)
    window.htmx.process(form)
  })

  window.addEventListener('beforeunload', (event) => {
    if (dirty().length) event.preventDefault()
  })

  // --- responses -------------------------------------------------------------------------------

  document.addEventListener('htmx:before:request', ({ detail }) => {
    open += 1
    begun += 1
    // Requests run one after another: the previous result is known by now.
    const { body } = detail.ctx.request
    if (body?.has?.('revision')) {
      // “Undo” in a toast undoes what the toast reports.
      body.set('revision', body.get('undo') === 'toast' ? toastRevision : room().dataset.revision)
      body.set('token', room().dataset.token)
    }
    const form = detail.ctx.sourceElement
    const isText = form.matches?.('form.auto')
    const twin = !isText && body?.has?.('was') && fieldOf(body)
    if (twin && !stuck.has(twin.id)) body.set('was', twin.elements.was.value) // its text has just been saved
    // A text belongs to no panel: whichever panel is open now stays open.
    if (isText) detail.ctx.request.action = form.getAttribute('action').split('?')[0] + location.search
    focused = document.activeElement?.closest('[id]')?.id || ''
    panel = one('#over .card')?.id || ''
    // A response during a drag would interrupt it, so it waits.
    const ask = detail.ctx.fetch
    detail.ctx.fetch = async (...request) => {
      const answer = await ask(...request)
      await letGo()
      return answer
    }
  })

  const fieldOf = (body) => body.has('field') ? named(`edit-${body.get('field')}-${body.get('article')}`) : named(`fact-${body.get('text')}`)

  document.addEventListener('htmx:finally:request', ({ detail }) => {
    open = Math.max(0, open - 1)
    underWay.delete(detail.ctx.sourceElement)
    if (!open && waiting.length) setTimeout(waiting.shift())
  })

  document.addEventListener('htmx:after:request', (event) => {
    const { ctx } = event.detail
    const form = ctx.sourceElement
    if (!ctx.text.includes('id="room"')) {
      event.preventDefault()
      if (form.matches?.('form.auto')) sent.delete(form.id)
      shutOut(ctx.response.status)
      return
    }
    anchor = ctx.request.anchor || ''
    answered = ''
    if (form.matches?.('form.auto')) {
      saved(form.id, ctx.response.status)
      if (ctx.response.status < 400) answered = form.id
    }
    if (form.matches?.('[data-settles]') && ctx.response.status < 400) settle()
  })

  document.addEventListener('htmx:error', ({ detail }) => {
    const form = detail.ctx?.sourceElement
    if (form?.matches?.('form.auto')) sent.delete(form.id)
    isStale = true // a move or removal may look as if it had been saved
    if (detail.ctx) lose()
    else console.error(detail.error)
  })

  document.addEventListener('htmx:before:swap', () => {
    leaving = dirty().map((form) => form.cloneNode(true))
    passed.clear()
  })

  window.htmx.registerExtension('kept', {
    // Nothing changes under an editor who is typing: neither the text nor what it is based on.
    htmx_before_morph_node: (form, { newNode }) => {
      if (!form.matches?.('form.auto[data-dirty], form.auto:focus-within')) return true
      const { value } = typed(newNode)
      if (form.id === answered) stored.set(form.id, value)
      if (folded(value) !== folded(typed(form).value) && value !== stored.get(form.id)) passed.add(form.id)
      return false
    },
    // What the editor unfolded stays unfolded.
    htmx_before_morph_attr: (details, { attrName, newValue }) =>
      !(attrName === 'open' && newValue === null && details.matches('details'))
  })

  document.addEventListener('htmx:after:swap', ({ detail }) => {
    const shown = room()
    frame()
    sortable()
    shelter()
    tellSaved()
    every('form.auto .typed').forEach(show)
    const isGone = panel === 'editor' && detail.ctx.sourceElement === shown && !one('#editor')
    focus()
    one('#toast button').hidden ||= toastRevision !== shown.dataset.revision
    if (detail.ctx.request.method === 'POST' && shown.dataset.said) {
      toast(shown.dataset.said, 'undoable' in shown.dataset)
      announce(shown.dataset.said)
    } else if (isGone) {
      say('The story you had open was removed from the issue.')
      const at = new URL(location)
      for (const name of ['open', 'story']) at.searchParams.delete(name)
      history.replaceState(history.state, '', at)
      one('a.story')?.focus({ preventScroll: true })
    }
  })

  function settle () {
    dirty().filter((form) => stuck.has(form.id)).forEach((form) => {
      clean(form)
      if (form.contains(document.activeElement)) document.activeElement.blur()
    })
  }

  function focus () {
    const card = one('#over .card')
    const goal = anchor && named(anchor)
    const at = document.activeElement
    if (goal) goal.focus()
    else if (card && card.id !== panel) (one('h2', card) || card).focus()
    else if (at && at !== document.body && at.isConnected) return
    else named(focused)?.focus({ preventScroll: true })
    anchor = ''
  }

  let toastRevision = ''

  function say (text) {
    toast(text, false)
    named('live').textContent = text
  }

  function toast (text, canUndo) {
    const shown = named('toast')
    toastRevision = room().dataset.revision
    one('span', shown).textContent = text
    one('button', shown).hidden = !canUndo || !one('#undo button:not(:disabled)')
    shown.hidden = false
    clearTimeout(timers.get('toast'))
    timers.set('toast', setTimeout(() => { shown.hidden = true }, TOAST))
  }

  function announce (text) {
    const row = named(focused)?.closest('.row')
    const list = row?.closest('.stories')
    const place = list ? ` Now ${[...list.children].indexOf(row) + 1} of ${list.children.length} in ${list.getAttribute('aria-label')}.` : ''
    named('live').textContent = `${text}.${place}`
  }

  // --- the preview: a new one is shown once it has loaded ---------------------------------------

  function frame () {
    const holder = named('frame')
    if (!holder) return
    const screen = one('.screen', holder)
    const [shown, ...coming] = every('iframe', screen)
    const wanted = holder.dataset.src
    const asked = (coming.at(-1) || shown).getAttribute('src')
    if (asked === wanted) return
    coming.forEach((other) => other.remove())
    if (shown.getAttribute('src').split('#')[0] === wanted.split('#')[0]) {
      shown.setAttribute('src', wanted)
      return
    }
    const next = shown.cloneNode()
    next.className = 'coming'
    next.setAttribute('src', wanted)
    const show = () => {
      if (!next.isConnected || next.className === 'mail') return
      next.className = 'mail'
      shown.remove()
    }
    // Images may load slowly; the text is there long before them.
    next.addEventListener('load', show, { once: true })
    setTimeout(show, FRAME)
    screen.append(next)
  }

  // --- is the page still current? -------------------------------------------------------------

  function refresh () {
    window.htmx.ajax('GET', location.pathname + location.search, {
      source: '#room', target: '#room', select: '#room', swap: 'outerMorph'
    })
  }

  const isAsking = () => one('.conflict, #link') || (one('.card.error') && !('sending' in room().dataset && !stuck.size))

  const isBusy = () => open > 0 || isDragging || isAsking() || !dirty().every(waits)

  async function pulse () {
    const before = begun
    try {
      const answer = await fetch(`${room().dataset.here}/pulse`, { signal: AbortSignal.timeout(10000) })
      if (!answer.ok || answer.redirected) {
        shutOut(answer.status)
      } else {
        const told = await answer.json()
        named('lost').hidden = true
        meet(told.others)
        if (isOut || isStale) refresh() // the new session has its own tokens
        isOut = isStale = false
        idle(() => dirty().forEach((form) => save(form.id)))
        if (told.stamp !== room().dataset.stamp && before === begun && !isBusy()) refresh()
      }
    } catch {
      lose()
    }
    const wait = document.hidden ? LOOK_HIDDEN : 'sending' in room().dataset ? LOOK_SENDING : LOOK
    timers.set('pulse', setTimeout(pulse, wait))
  }

  document.addEventListener('visibilitychange', () => {
    if (document.hidden) return
    clearTimeout(timers.get('pulse'))
    pulse()
  })

  function meet (names) {
    const list = named('others')
    const known = every('.hidden', list).map((item) => item.textContent)
    list.hidden = !names.length
    if (String(known) === String(names)) return
    list.replaceChildren(...names.map((name, place) => {
      const item = document.createElement('li')
      const [letters, whole] = [document.createElement('span'), document.createElement('span')]
      item.className = `tone-${place % 3}`
      item.title = `${name} has this issue open`
      const words = name.trim().split(/\s+/)
      letters.textContent = (words.length > 1 ? words[0][0] + words[1][0] : name.slice(0, 2)).toUpperCase()
      letters.ariaHidden = 'true'
      whole.className = 'hidden'
      whole.textContent = name
      item.append(letters, whole)
      return item
    }))
  }

  function lose () {
    const shown = named('lost')
    if (!shown.hidden) return
    const at = new Date().toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hour12: false })
    tell(`No connection since ${at}`, dirty().length ? 'Your text is kept in this window and will be saved once you are back online.' : 'Changes you make now will not be saved.')
  }

  function shutOut (status) {
    isOut = status !== 404
    if (status === 404) {
      tell('This issue no longer exists', 'Its newsletter may have been removed from the settings.')
      return
    }
    tell('You are logged out', dirty().length ? 'Log in in another window; your text is kept here and will be saved then.' : 'Log in in another window to continue here.')
  }

  function tell (title, text) {
    const shown = named('lost')
    one('strong', shown).textContent = title
    one('p', shown).textContent = text
    shown.hidden = false
  }

  // --- order ----------------------------------------------------------------------------------

  const sorted = new WeakSet()

  function send (fields) {
    const form = named('move')
    for (const name of ['kind', 'article', 'title', 'section', 'position']) {
      form.elements[name].value = fields[name] ?? ''
    }
    form.requestSubmit()
  }

  function sortable () {
    if (!named('move')) return
    const shared = {
      animation: 120,
      forceFallback: true,
      fallbackOnBody: true,
      fallbackTolerance: 4,
      scroll: true,
      onChoose: () => { isDragging = true },
      onUnchoose: rest,
      onStart: () => room().classList.add('is-dragging')
    }
    const begin = (list, options) => {
      if (!list || sorted.has(list)) return
      sorted.add(list)
      const onEnd = (event) => isFallen ? idle(refresh) : options.onEnd(event)
      window.Sortable.create(list, { ...shared, ...options, onEnd })
    }
    every('ol.stories').forEach((list) => begin(list, {
      group: { name: 'stories', put: (to, from) => !from.el.matches('.addable') || !to.el.matches('[data-lead]') },
      handle: '.handle',
      draggable: '.row',
      onEnd: dropped
    }))
    begin(one('.addable'), {
      group: { name: 'stories', pull: 'clone', put: false },
      sort: false,
      draggable: 'li',
      filter: 'button',
      preventOnFilter: false,
      onEnd: dropped
    })
    begin(named('sections'), {
      draggable: '.group[data-title]',
      handle: '.section-handle',
      onEnd: ({ item, oldDraggableIndex, newDraggableIndex }) => {
        if (oldDraggableIndex !== newDraggableIndex) {
          send({ kind: 'MoveSection', title: item.dataset.title, position: newDraggableIndex })
        }
      }
    })
  }

  const held = [] // responses that wait for the end of a drag

  const letGo = () => isDragging ? new Promise((resolve) => held.push(resolve)) : undefined

  function rest () {
    isDragging = false
    setTimeout(() => { isFallen = false }) // after its end event, which comes after this
    room().classList.remove('is-dragging')
    held.splice(0).forEach((resolve) => resolve())
  }

  let isFallen = false // cancelled with Escape: it returns to its place

  function letFall () {
    isFallen = true
    document.dispatchEvent(new PointerEvent('pointerup', { bubbles: true }))
  }

  function dropped ({ item, from, to, oldDraggableIndex, newDraggableIndex }) {
    const { article } = item.dataset
    if (from === to && oldDraggableIndex === newDraggableIndex) return
    if (from.matches('.addable')) {
      if (from === to) return
      item.remove()
      send({ kind: 'PullIn', article, section: to.dataset.section, position: newDraggableIndex })
    } else if (to.matches('[data-lead]')) {
      send({ kind: 'MakeLead', article })
    } else {
      send({ kind: 'Move', article, section: to.dataset.section, position: newDraggableIndex })
    }
  }

  // --- keys -----------------------------------------------------------------------------------

  const writes = (target) => target.matches('input, textarea, select')

  document.addEventListener('keydown', (event) => {
    const { key, target } = event
    const isCommand = event.ctrlKey || event.metaKey
    if (event.altKey && (key === 'ArrowUp' || key === 'ArrowDown')) {
      const handle = target.closest('.row, .section-name')?.querySelector('.handle')
      if (!handle) return
      event.preventDefault()
      idle(() => step(handle.id, key === 'ArrowUp' ? 'up' : 'down'))
    } else if (key === 'Escape') {
      const menu = target.closest('details.menu[open]') || one('details.menu[open]')
      if (menu) {
        menu.open = false
        one('summary', menu).focus()
      } else if (isDragging) letFall()
      else if (target.matches('#field-note')) target.blur()
      else if (one('.conflict button, .conflict a')) one('.conflict button, .conflict a').focus() // it needs a choice
      else one('#over .card.error a, #over .close')?.click()
    } else if (writes(target)) {
      // The other keys would take letters away from whoever is typing.
    } else if (isCommand && key.toLowerCase() === 'z') {
      event.preventDefault()
      idle(() => one(`#${event.shiftKey ? 'redo' : 'undo'} button:not(:disabled)`)?.click())
    } else if (isCommand && key.toLowerCase() === 'y') {
      event.preventDefault()
      idle(() => one('#redo button:not(:disabled)')?.click())
    } else if (key === '/' && !isCommand && one('#search')) {
      event.preventDefault()
      one('#search').focus()
    } else if (key === 'Delete' && target.closest('.row')) {
      one('a[href*="open=out"]', target.closest('.row'))?.click()
    }
  })

  const waiting = [] // key actions requested during a request: they apply after it

  function idle (work) {
    if (open) waiting.push(work)
    else work()
  }

  function step (id, way) {
    const handle = named(id)
    const written = handle?.dataset[way]
    if (!written) {
      named('live').textContent = 'It can’t be moved further.'
      return
    }
    handle.focus()
    const button = document.createElement('button')
    Object.assign(button, { name: 'step', value: written, hidden: true })
    const form = named('step')
    form.append(button)
    form.requestSubmit(button)
    button.remove()
  }

  // Choosing an item closes its menu, and so does a click elsewhere.
  document.addEventListener('click', ({ target }) => {
    every('details.menu[open]').forEach((menu) => {
      if (!menu.contains(target) || target.closest('li a, li button')) menu.open = false
    })
    const copies = target.closest('[data-copies]')
    if (copies) {
      const field = named(copies.dataset.copies)
      field.select()
      navigator.clipboard?.writeText(field.value)
      copies.textContent = 'Copied'
    }
    if (target.closest('#toast button')) named('toast').hidden = true
  })

  // An image that cannot be loaded leaves its placeholder, not a broken image.
  document.addEventListener('error', ({ target }) => {
    if (target.matches?.('img.picture, img.shown')) target.classList.add('is-missing')
  }, true)

  // --- begin ----------------------------------------------------------------------------------

  document.addEventListener('DOMContentLoaded', () => {
    sortable()
    every('form.auto .typed').forEach(count)
    timers.set('pulse', setTimeout(pulse, LOOK))
  })
})()
