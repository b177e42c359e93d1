// The exponentials of simd/exp_*.h against double precision, in units of the last place of the result (of the smallest
// denormal below). Every 61st float of [-104, 88.7]; every one with the argument "all".
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <algorithm>

#include "jclip.h"

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma")
#include "simd/exp_avx2.h"
#include "simd/exp_avx512.h"

namespace {

void exp_avx2(const float* x, float* y) {
  _mm256_storeu_ps(y, jc::avx2::exp(_mm256_loadu_ps(x)));
  _mm256_storeu_ps(y + 8, jc::avx2::exp(_mm256_loadu_ps(x + 8)));
}
void exp_avx512(const float* x, float* y) { _mm512_storeu_ps(y, jc::avx512::exp(_mm512_loadu_ps(x))); }

}  // namespace
#pragma GCC pop_options

namespace {

using Exp = void (*)(const float*, float*);

float from_bits(uint32_t bits) {
  float x;
  memcpy(&x, &bits, 4);
  return x;
}

double ulps(float found, double truth) {
  int exponent;
  frexp(truth, &exponent);
  return fabs(found - truth) / ldexp(1, std::max(exponent - 24, -149));
}

// Largest error over the floats from `low` to `high` bits, 16 at a time.
double largest_error(Exp f, uint32_t low, uint32_t high, uint32_t step, float* where) {
  double most = 0;
  for (uint64_t bits = low; bits <= high; bits += 16ull * step) {
    float x[16], y[16];
    for (uint32_t i = 0; i < 16; ++i)
      x[i] = from_bits(static_cast<uint32_t>(std::min<uint64_t>(bits + i * step, high)));
    f(x, y);
    for (int i = 0; i < 16; ++i) {
      double error = ulps(y[i], exp(static_cast<double>(x[i])));
      if (!(error <= most)) most = error, *where = x[i];
    }
  }
  return most;
}

bool check_values(const char* name, Exp f) {
  const float x[16] = {0.0f,  -0.0f,  -INFINITY, -104.0f, -103.9f, -1000.0f, NAN,   INFINITY,
                       88.8f, 1e-45f, -1e-45f,   -3e38f,  3e38f,   1.0f,     -1.0f, -87.4f};
  float y[16];
  f(x, y);
  bool good = y[0] == 1 && y[1] == 1 && y[2] == 0 && y[3] == 0 && y[4] == 1e-45f && y[5] == 0 && isnan(y[6]) &&
              y[7] == INFINITY && y[8] == INFINITY && y[9] == 1 && y[10] == 1 && y[11] == 0 && y[12] == INFINITY &&
              fabsf(y[13] - 2.7182817f) < 3e-7f;
  if (!good) printf("FAILED %s: a value that counts\n", name);
  return good;
}

bool check(const char* name, Exp f, uint32_t step) {
  float where = 0;
  double below = largest_error(f, 0x80000000u, 0xc2d00000u, step, &where);  // -0 to -104
  float above_where = 0;
  double above = largest_error(f, 0x00000000u, 0x42b16666u, step, &above_where);  // 0 to 88.7
  printf("%s exp: largest error %.3f ulp at %.9g on [-104, 0], %.3f ulp at %.9g on [0, 88.7]\n", name, below,
         static_cast<double>(where), above, static_cast<double>(above_where));
  bool good = below <= 1.02 && above <= 1.02;
  if (!good) printf("FAILED %s: more than 1.02 ulp\n", name);
  return check_values(name, f) && good;
}

}  // namespace

int main(int argc, char** argv) {
  uint32_t step = argc > 1 && strcmp(argv[1], "all") == 0 ? 1 : 61;
  bool good = true;
  if (jc_isa() >= JC_AVX2) good = check("avx2", exp_avx2, step) && good;
  if (jc_isa() >= JC_AVX512) good = check("avx512", exp_avx512, step) && good;
  return good ? 0 : 1;
}
