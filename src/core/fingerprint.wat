;; Murmur3 x64 128 (Austin Appleby, public domain), of which the first 64 bits are kept. WebAssembly because JavaScript
;; has no 64-bit multiplication: a murmur of 32-bit words costs three times as much there, on every byte of every row.
;;
;; fingerprint-kernel.ts is this file as bytes: write it again with `node scripts/wasm.mjs` after a change here.
(module
  (memory (export "memory") 4)

  (global $h1 (mut i64) (i64.const 0))
  (global $h2 (mut i64) (i64.const 0))

  (func $mix1 (param $k i64) (result i64)
    (i64.mul
      (i64.rotl (i64.mul (local.get $k) (i64.const 0x87c37b91114253d5)) (i64.const 31))
      (i64.const 0x4cf5ad432745937f)))

  (func $mix2 (param $k i64) (result i64)
    (i64.mul
      (i64.rotl (i64.mul (local.get $k) (i64.const 0x4cf5ad432745937f)) (i64.const 33))
      (i64.const 0x87c37b91114253d5)))

  (func $avalanche (param $k i64) (result i64)
    (local.set $k (i64.xor (local.get $k) (i64.shr_u (local.get $k) (i64.const 33))))
    (local.set $k (i64.mul (local.get $k) (i64.const 0xff51afd7ed558ccd)))
    (local.set $k (i64.xor (local.get $k) (i64.shr_u (local.get $k) (i64.const 33))))
    (local.set $k (i64.mul (local.get $k) (i64.const 0xc4ceb9fe1a85ec53)))
    (i64.xor (local.get $k) (i64.shr_u (local.get $k) (i64.const 33))))

  ;; Eight bytes at $at of which only the first $count matter; $count may be below 0 or above 8.
  (func $partial (param $at i32) (param $count i32) (result i64)
    (if (i32.le_s (local.get $count) (i32.const 0)) (then (return (i64.const 0))))
    (if (i32.ge_s (local.get $count) (i32.const 8)) (then (return (i64.load align=1 (local.get $at)))))
    (i64.and
      (i64.load align=1 (local.get $at))
      (i64.sub
        (i64.shl (i64.const 1) (i64.extend_i32_u (i32.shl (local.get $count) (i32.const 3))))
        (i64.const 1))))

  ;; Begins a hash.
  (func $begin (export "begin") (param $high i32) (param $low i32)
    (local $seed i64)
    (local.set $seed
      (i64.or
        (i64.shl (i64.extend_i32_u (local.get $high)) (i64.const 32))
        (i64.extend_i32_u (local.get $low))))
    (global.set $h1 (local.get $seed))
    (global.set $h2 (local.get $seed)))

  ;; Takes the bytes from $at to $end in, as many blocks of 16 as there are; gives the position behind them.
  (func $take (export "take") (param $at i32) (param $end i32) (result i32)
    (local $h1 i64) (local $h2 i64)
    (local.set $h1 (global.get $h1))
    (local.set $h2 (global.get $h2))
    (block $done
      (loop $block
        (br_if $done (i32.gt_u (i32.add (local.get $at) (i32.const 16)) (local.get $end)))
        (local.set $h1
          (i64.xor
          (local.get $h1)
          (i64.mul
            (i64.rotl (i64.mul (i64.load align=1 (local.get $at)) (i64.const 0x87c37b91114253d5)) (i64.const 31))
            (i64.const 0x4cf5ad432745937f))))
        (local.set $h1 (i64.add (i64.rotl (local.get $h1) (i64.const 27)) (local.get $h2)))
        (local.set $h1 (i64.add (i64.mul (local.get $h1) (i64.const 5)) (i64.const 0x52dce729)))
        (local.set $h2
          (i64.xor
          (local.get $h2)
          (i64.mul
            (i64.rotl (i64.mul (i64.load offset=8 align=1 (local.get $at)) (i64.const 0x4cf5ad432745937f)) (i64.const 33))
            (i64.const 0x87c37b91114253d5))))
        (local.set $h2 (i64.add (i64.rotl (local.get $h2) (i64.const 31)) (local.get $h1)))
        (local.set $h2 (i64.add (i64.mul (local.get $h2) (i64.const 5)) (i64.const 0x38495ab5)))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $block)))
    (global.set $h1 (local.get $h1))
    (global.set $h2 (local.get $h2))
    (local.get $at))

  ;; Ends a hash of $length bytes, the last of which, fewer than 16, are at $at. Writes the high word at $out and the low
  ;; one behind it; never two zeros, which stand for "content unknown" in the key index.
  (func $end (export "end") (param $at i32) (param $rest i32) (param $length i32) (param $out i32)
    (local $h1 i64) (local $h2 i64)
    (local.set $h1
      (i64.xor
        (i64.xor (global.get $h1) (call $mix1 (call $partial (local.get $at) (local.get $rest))))
        (i64.extend_i32_u (local.get $length))))
    (local.set $h2
      (i64.xor
        (i64.xor
          (global.get $h2)
          (call $mix2
            (call $partial
              (i32.add (local.get $at) (i32.const 8))
              (i32.sub (local.get $rest) (i32.const 8)))))
        (i64.extend_i32_u (local.get $length))))
    (local.set $h1 (i64.add (local.get $h1) (local.get $h2)))
    (local.set $h2 (i64.add (local.get $h2) (local.get $h1)))
    (local.set $h1 (i64.add (call $avalanche (local.get $h1)) (call $avalanche (local.get $h2))))
    (if (i64.eqz (local.get $h1)) (then (local.set $h1 (i64.const 1))))
    (i64.store (local.get $out) (i64.rotl (local.get $h1) (i64.const 32))))

  ;; Hashes $count rows: the bytes at $base, from each of the $offsets to the next.
  (func (export "rows")
    (param $base i32) (param $offsets i32) (param $count i32) (param $high i32) (param $low i32) (param $out i32)
    (local $from i32) (local $to i32) (local $at i32)
    (local.set $to (i32.add (local.get $base) (i32.load (local.get $offsets))))
    (block $done
      (loop $row
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $from (local.get $to))
        (local.set $to (i32.add (local.get $base) (i32.load offset=4 (local.get $offsets))))
        (call $begin (local.get $high) (local.get $low))
        (local.set $at (call $take (local.get $from) (local.get $to)))
        (call $end
          (local.get $at)
          (i32.sub (local.get $to) (local.get $at))
          (i32.sub (local.get $to) (local.get $from))
          (local.get $out))
        (local.set $offsets (i32.add (local.get $offsets) (i32.const 4)))
        (local.set $out (i32.add (local.get $out) (i32.const 8)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $row)))))
