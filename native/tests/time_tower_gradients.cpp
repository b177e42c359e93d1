// Times attention_gradient, layer_norm_gradient and activation_gradient on one thread as shares of this machine's ceilings, measured in
// turns with them: the machine may be shared, so each figure is a median of ratios of neighbouring measurements.
//   attention_gradient   FLOPs of the five products (10 q kv d per head; causal: the seen pairs only) against independent FMA chains
//   layer_norm_gradient  bytes in and out once (x, dy, perhaps residual, dx) against a copy of as many bytes of the same memory
//   activation_gradient  bytes in and out once (x, dy, dx), against such a copy
// Arguments: attention | layer_norm | activation, and the first instruction set (1, 2).
#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "jclip.h"

namespace {

const char* const kNames[] = {"ref", "avx2", "avx512"};

double now() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);  // other work on the machine does not count
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

constexpr int64_t kChains = 20000;
volatile float sink;

#pragma GCC push_options
#pragma GCC target("avx512f,avx2,fma")
double fma_flops_avx512() {
  __m512 t[12];
#pragma GCC unroll 12
  for (int i = 0; i < 12; ++i) t[i] = _mm512_set1_ps(0.5f);
  __m512 a = _mm512_set1_ps(0.999f);
  double start = now();
  for (int64_t n = 0; n < kChains; ++n) {
#pragma GCC unroll 12
    for (int i = 0; i < 12; ++i) {
      t[i] = _mm512_fmadd_ps(t[i], a, a);
      asm volatile("" : "+v"(t[i]));
    }
  }
  double seconds = now() - start;
#pragma GCC unroll 12
  for (int i = 1; i < 12; ++i) t[0] = _mm512_add_ps(t[0], t[i]);
  sink = _mm512_cvtss_f32(t[0]);
  return 12.0 * 32 * kChains / seconds;
}
double fma_flops_avx2() {
  __m256 t[12];
#pragma GCC unroll 12
  for (int i = 0; i < 12; ++i) t[i] = _mm256_set1_ps(0.5f);
  __m256 a = _mm256_set1_ps(0.999f);
  double start = now();
  for (int64_t n = 0; n < kChains; ++n) {
#pragma GCC unroll 12
    for (int i = 0; i < 12; ++i) {
      t[i] = _mm256_fmadd_ps(t[i], a, a);
      asm volatile("" : "+x"(t[i]));
    }
  }
  double seconds = now() - start;
#pragma GCC unroll 12
  for (int i = 1; i < 12; ++i) t[0] = _mm256_add_ps(t[0], t[i]);
  sink = _mm256_cvtss_f32(t[0]);
  return 12.0 * 16 * kChains / seconds;
}
void copy_avx512(const float* from, float* to, int64_t n) {
  for (int64_t i = 0; i < n; i += 32) {
    __m512 a = _mm512_loadu_ps(from + i), b = _mm512_loadu_ps(from + i + 16);
    _mm512_storeu_ps(to + i, a);
    _mm512_storeu_ps(to + i + 16, b);
  }
}
void copy_avx2(const float* from, float* to, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) {
    __m256 a = _mm256_loadu_ps(from + i), b = _mm256_loadu_ps(from + i + 8);
    _mm256_storeu_ps(to + i, a);
    _mm256_storeu_ps(to + i + 8, b);
  }
}
#pragma GCC pop_options

struct Figure {
  double rate;       // of the operator, median
  double share;      // of the ceiling, median of neighbours
  double low, high;  // quartiles of the share
};

Figure measure(const std::function<double()>& ceiling, double work, const std::function<void()>& run) {
  std::vector<double> rates, shares;
  run();
  double start = now();
  run();
  int64_t repeats = std::max<int64_t>(1, static_cast<int64_t>(5e-4 / (now() - start)));
  for (int round = 0; round < 41; ++round) {
    double before = ceiling();
    start = now();
    for (int64_t i = 0; i < repeats; ++i) run();
    double rate = work * static_cast<double>(repeats) / (now() - start);
    double after = ceiling();
    rates.push_back(rate);
    shares.push_back(rate / std::max(before, after));
  }
  std::sort(rates.begin(), rates.end());
  std::sort(shares.begin(), shares.end());
  return {rates[20], shares[20], shares[10], shares[30]};
}

float* floats(int64_t n) {
  float* p = static_cast<float*>(aligned_alloc(64, static_cast<size_t>(n * 4 + 63) / 64 * 64));
  for (int64_t i = 0; i < n; ++i) p[i] = static_cast<float>(i * 2654435761u % 1000) * 1e-3f - 0.5f;
  return p;
}

void time_attention(jc_context* context, int64_t batch, int64_t tokens, int64_t heads, int64_t head_dim, bool causal) {
  int64_t width = heads * head_dim, rows = batch * tokens;
  float *qkv = floats(rows * 3 * width), *gradient = floats(rows * 3 * width), *dy = floats(rows * width);
  jc_attention_gradient_args a = {};
  a.q = qkv, a.k = qkv + width, a.v = qkv + 2 * width, a.dy = dy;
  a.dq = gradient, a.dk = gradient + width, a.dv = gradient + 2 * width;
  a.sequences = batch, a.q_tokens = a.kv_tokens = tokens, a.rows = a.kv_rows = rows;
  a.heads = heads, a.head_dim = head_dim;
  a.ldq = a.ldk = a.ldv = a.lddq = a.lddk = a.lddv = 3 * width, a.lddy = width;
  a.causal = causal, a.scale = 0.125;
  a.workspace_bytes = jc_attention_gradient_workspace(context, &a);
  a.workspace = aligned_alloc(64, static_cast<size_t>(a.workspace_bytes));
  double pairs = 0.5 * static_cast<double>(causal ? tokens * (tokens + 1) : 2 * tokens * tokens);
  double flops = 10.0 * pairs * static_cast<double>(head_dim * heads * batch);
  Figure f = measure(context->isa == JC_AVX512 ? fma_flops_avx512 : fma_flops_avx2, flops, [&] {
    if (jc_attention_gradient(context, &a) != JC_OK) abort();
  });
  printf(
      "attention_gradient %-6s B=%-3ld N=%-3ld H=%-2ld D=%-3ld %-6s %8.3f ms %7.1f GFLOP/s  share %.2f  [%.2f, %.2f]\n",
      kNames[context->isa], batch, tokens, heads, head_dim, causal ? "causal" : "full", flops / f.rate * 1e3,
      f.rate * 1e-9, f.share, f.low, f.high);
  free(qkv), free(gradient), free(dy), free(a.workspace);
}

// A copy that moves as many bytes as the operator: `streams` arrays of n floats in and out.
Figure against_copy(jc_context* context, int64_t streams, int64_t n, const std::vector<float*>& memory,
                    const std::function<void()>& op) {
  auto copy = context->isa == JC_AVX512 ? copy_avx512 : copy_avx2;
  double bytes = 4.0 * static_cast<double>(n * streams);
  auto ceiling = [&] {
    int64_t repeats = std::max<int64_t>(1, 1000000 / n);
    double start = now();
    for (int64_t i = 0; i < repeats; ++i) {
      copy(memory[0], memory[1], n);
      if (streams == 4) copy(memory[2], memory[3], n);
      if (streams == 3) copy(memory[2], memory[2] + n / 64 * 32, n / 64 * 32);
    }
    return bytes * static_cast<double>(repeats) / (now() - start);
  };
  return measure(ceiling, bytes, op);
}

void time_layer_norm(jc_context* context, int64_t rows, int64_t width, bool residual) {
  int64_t n = rows * width;
  float *x = floats(n), *dy = floats(n), *dx = floats(n), *other = floats(n), *weight = floats(width),
        *sums = floats(2 * width);
  jc_layer_norm_gradient_args a = {};
  a.dy = dy, a.x = x, a.weight = weight, a.dx = dx, a.d_weight = sums, a.d_bias = sums + width;
  a.residual = residual ? other : nullptr, a.rows = rows, a.width = width, a.epsilon = 1e-5;
  a.workspace_bytes = jc_layer_norm_gradient_workspace(context, &a);
  a.workspace = aligned_alloc(64, static_cast<size_t>(a.workspace_bytes));
  Figure f = against_copy(context, residual ? 4 : 3, n, {x, dx, dy, other}, [&] {
    if (jc_layer_norm_gradient(context, &a) != JC_OK) abort();
  });
  double bytes = 4.0 * static_cast<double>(n) * (residual ? 4 : 3);
  printf("layer_norm_gradient %-6s rows=%-5ld width=%-4ld %-8s %8.3f ms %7.1f GB/s  share of copy %.2f  [%.2f, %.2f]\n",
         kNames[context->isa], rows, width, residual ? "residual" : "plain", bytes / f.rate * 1e3, f.rate * 1e-9,
         f.share, f.low, f.high);
  free(x), free(dy), free(dx), free(other), free(weight), free(sums), free(a.workspace);
}

void time_activation(jc_context* context, int64_t count, int64_t activation) {
  float *x = floats(count), *dy = floats(count), *dx = floats(count);
  for (int64_t i = 0; i < count; ++i) x[i] *= 6;
  jc_activation_gradient_args a = {x, dy, dx, count, activation};
  Figure f = against_copy(context, 3, count, {x, dx, dy}, [&] {
    if (jc_activation_gradient(context, &a) != JC_OK) abort();
  });
  const char* const names[] = {"identity", "relu", "quick_gelu", "gelu"};
  printf("activation_gradient %-6s %-10s count=%-8ld %8.3f ms %7.1f GB/s  share of copy %.2f  [%.2f, %.2f]\n",
         kNames[context->isa], names[activation], count, 12.0 * static_cast<double>(count) / f.rate * 1e3,
         f.rate * 1e-9, f.share, f.low, f.high);
  free(x), free(dy), free(dx);
}

}  // namespace

int main(int argc, char** argv) {
  jc_threads(1);
  jc_context context = {};
  auto asked = [&](const char* name) { return argc < 2 || strcmp(argv[1], name) == 0; };
  for (context.isa = argc > 2 ? atoi(argv[2]) : JC_AVX2; context.isa <= jc_isa(); ++context.isa) {
    printf("%s: %.1f GFLOP/s of independent FMA chains, one thread\n", kNames[context.isa],
           1e-9 * (context.isa == JC_AVX512 ? fma_flops_avx512() : fma_flops_avx2()));
    if (asked("attention")) {
      time_attention(&context, 16, 50, 12, 64, false);
      time_attention(&context, 128, 65, 3, 64, false);
      time_attention(&context, 128, 32, 3, 64, true);
      time_attention(&context, 128, 16, 3, 64, true);
      time_attention(&context, 128, 8, 3, 64, true);
      time_attention(&context, 16, 24, 12, 48, true);
      time_attention(&context, 16, 77, 8, 64, true);
      time_attention(&context, 1, 197, 12, 64, false);
      time_attention(&context, 1, 577, 16, 64, false);
      time_attention(&context, 1, 257, 16, 80, false);
    }
    if (asked("layer_norm")) {
      time_layer_norm(&context, 800, 768, false);
      time_layer_norm(&context, 800, 768, true);
      time_layer_norm(&context, 8320, 192, false);
      time_layer_norm(&context, 8320, 192, true);
      time_layer_norm(&context, 2048, 512, true);
    }
    if (!asked("activation")) continue;
    for (int64_t activation = JC_RELU; activation <= JC_GELU; ++activation) {
      time_activation(&context, 800 * 3072, activation);
      time_activation(&context, 8320 * 768, activation);
    }
  }
  return 0;
}
