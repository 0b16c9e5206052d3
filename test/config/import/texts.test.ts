/** Texts in another proxy's form in ours: durations, patterns, back-references. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: substitutions of another proxy

import { test } from 'tap'
import { durationText, goDurationMs } from '../../../src/config/import/go-duration.ts'
import { backReferences, wholePattern } from '../../../src/config/import/whole-pattern.ts'

const DURATIONS: Readonly<Record<string, string | undefined>> = {
  '30s': '30s',
  '1m30s': '90s',
  '1h': '1h',
  '168h': '7d',
  '168h0m0s': '7d',
  '1.5s': '1500ms',
  '.5m': '30s',
  '300ms': '300ms',
  '0': '0s',
  '0s': '0s',
  '1us': '0s',
  '': undefined,
  '30': undefined,
  '-5s': undefined,
  '5 s': undefined,
  '1d': undefined,
  soon: undefined,
}

test('durations of Go', async (t) => {
  for (const [text, expected] of Object.entries(DURATIONS)) {
    const ms = goDurationMs(text)
    t.equal(ms === undefined ? undefined : durationText(ms), expected, text)
  }
})

const PATTERNS: Readonly<Record<string, string>> = {
  '/a': '.*/a.*',
  '^/a': '/a.*',
  '^/a$': '/a',
  '/a$': '.*/a',
  '^/a.*': '/a.*',
  '.*/a': '.*/a.*',
  '^/a\\$': '/a\\$.*',
  '^/a\\\\$': '/a\\\\',
  '^/a|b$': '.*(?:^/a|b$).*',
}

test('patterns that may match anywhere', async (t) => {
  for (const [pattern, whole] of Object.entries(PATTERNS)) {
    t.equal(wholePattern(pattern), whole, pattern)
  }
})

test('back-references', async (t) => {
  t.equal(backReferences('/x/$1/${2}/$'), '/x/\\1/\\2/$')
})
