// Sixteen floats at a time, whose products are of pairs of bf16: lane i of a factor holds two of them, for steps 2 s and 2 s + 1 of the
// inner dimension. The instructions round to nearest even, take denormals for zeros and write none.
#pragma once

#include "simd/vector_avx512.h"

namespace jc {

struct Avx512Bf16 : Avx512 {
  // Values of the inner dimension in one lane of a factor.
  static constexpr int kDepth = 2;

  static Float dot(Float a, Float b, Float c) {
    return _mm512_dpbf16_ps(c, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
  }

  // A row's 32 values from `from` on, of which n are there (n may be 32 or more), as 16 lanes: those beyond are 0.
  static void round_chunk(float* to, const float* from, int64_t n) {
    __m512bh y = _mm512_cvtne2ps_pbh(load(from + kWidth, part(n - kWidth)), load(from, part(n)));
    _mm512_store_si512(to, reinterpret_cast<__m512i>(y));
  }

  // Two rows' first n values, n in [0, 16], lane by lane; without `second`, its values are 0, like those beyond n.
  static Float pairs(const float* first, const float* second, int64_t n) {
    Part lanes = part(n);
    Float high = second != nullptr ? load(second, lanes) : zero();
    __m512i rows = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, load(first, lanes)));
    const __m512i order =
        _mm512_set_epi32(0x1f000f, 0x1e000e, 0x1d000d, 0x1c000c, 0x1b000b, 0x1a000a, 0x190009, 0x180008, 0x170007,
                         0x160006, 0x150005, 0x140004, 0x130003, 0x120002, 0x110001, 0x100000);
    return _mm512_castsi512_ps(_mm512_maskz_permutexvar_epi16(~__mmask32{0}, order, rows));
  }
};

}  // namespace jc
