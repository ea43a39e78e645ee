import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Certificate {
  /** Paths of the PEM files. */
  readonly certificate: string
  readonly key: string
}

/** An authority of our own that lives in a folder, and what it signs. Needs openssl. */
export interface Authority {
  /** Path of its certificate. */
  readonly certificate: string
  /** A certificate for that host name; valid from yesterday for two days, or until an hour ago. */
  sign(host: string, options?: { readonly expired?: boolean }): Certificate
  /** One that nobody signed but itself. */
  selfSigned(host: string): Certificate
}

export function certificateAuthority(folder: string): Authority {
  let made = 0
  const file = (name: string) => join(folder, name)
  const openssl = (...argv: string[]) => execFileSync('openssl', argv, { stdio: 'pipe', cwd: folder })
  const names = (host: string) => ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`]
  const newKey = ['-newkey', 'rsa:2048', '-nodes', '-keyout']
  const selfSigned = (host: string): Certificate => {
    const [key, certificate] = [file(`${++made}.key`), file(`${made}.crt`)]
    openssl('req', '-x509', ...newKey, key, '-days', '2', ...names(host), '-out', certificate)
    return { key, certificate }
  }
  const authority = selfSigned('authority')
  writeFileSync(file('index.txt'), '')
  writeFileSync(file('serial'), '01\n')
  writeFileSync(
    file('ca.cnf'),
    '[ca]\ndefault_ca = own\n[own]\ndatabase = index.txt\nserial = serial\nnew_certs_dir = .\ndefault_md = sha256\n' +
      'policy = any\ncopy_extensions = copy\nunique_subject = no\n[any]\ncommonName = supplied\n',
  )
  return {
    certificate: authority.certificate,
    selfSigned,
    sign(host, { expired = false } = {}) {
      const [key, request, certificate] = [file(`${++made}.key`), file(`${made}.csr`), file(`${made}.crt`)]
      openssl('req', '-new', ...newKey, key, ...names(host), '-out', request)
      const time = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString().replace(/[-:T]|\.\d+/g, '')
      const signer = ['-cert', authority.certificate, '-keyfile', authority.key]
      const validity = ['-startdate', time(-24), '-enddate', time(expired ? -1 : 24)]
      openssl(
        'ca',
        '-batch',
        '-config',
        'ca.cnf',
        ...signer,
        ...validity,
        '-in',
        request,
        '-out',
        certificate,
        '-notext',
      )
      return { key, certificate }
    },
  }
}

/** What `getPeerCertificate` calls the certificate of a PEM file. */
export function pemBody(path: string): string {
  return readFileSync(path, 'utf8').replace(/-----[^-]+-----|\s/g, '')
}
