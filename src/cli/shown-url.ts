const SECRETS: readonly RegExp[] = [
  // postgres://me:secret@host, and what is left of it where a slash or the colon was forgotten.
  /(\/\/[^:@/]*:|^[^:@/]*:[^:@/]*:)[^@]*(?=@)/g,
  /([?&][^=&#]*(?:token|passw|pwd|secret|(?:api|access)[_-]?key)[^=&#]*=)[^&#]+/gi,
]

/** What was typed as a URL, without its passwords: stderr is kept in logs that others read. */
export function shownUrl(url: string): string {
  return SECRETS.reduce((text, pattern) => text.replace(pattern, '$1…'), url)
}

export function hasSecret(url: string): boolean {
  return shownUrl(url) !== url
}
