/** pg's own reader of password files, which has no types. */
declare module 'pgpass' {
  interface ConnectionInfo {
    readonly host: string
    readonly port: number
    readonly database: string
    readonly user: string
  }
  /** Answers the password of the first line that matches, or undefined. */
  function pgpass(info: ConnectionInfo, callback: (password: string | undefined) => void): void
  export = pgpass
}
