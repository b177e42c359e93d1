// The emulator's half of jc_dev.cuh: the functions of dev_ptx.cuh by name and meaning, on one host thread.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

#include "emu.h"

#define JC_DEV inline
#define JC_KERNEL(threads, min_blocks) void
#define JC_UNROLL
#define JC_HERE const ::emu::Site& at = ::emu::Site::current()

struct alignas(16) uint4 {
  uint32_t x, y, z, w;
};
struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  dim3(unsigned a, unsigned b = 1, unsigned c = 1) : x(a), y(b), z(c) {}
};

namespace jc {

JC_DEV int thread_id() { return int(emu::thread_id()); }
JC_DEV unsigned block_x() { return emu::block_id().x; }
JC_DEV unsigned block_y() { return emu::block_id().y; }
JC_DEV unsigned grid_x() { return emu::grid_size().x; }
JC_DEV unsigned grid_y() { return emu::grid_size().y; }

JC_DEV void sync_block(JC_HERE) { emu::sync_block(at); }
JC_DEV void sync_warp(JC_HERE) { emu::sync_warp(at); }

template <class T>
struct Shuffle {
  T value, result;
  int from;
};
template <class T>
T shuffle(T v, int from, const emu::Site& at) {
  Shuffle<T> s{v, v, from};
  emu::meet(
      [](void* const* o) {
        for (int i = 0; i < 32; ++i) {
          auto* mine = static_cast<Shuffle<T>*>(o[i]);
          mine->result = static_cast<const Shuffle<T>*>(o[mine->from & 31])->value;
        }
      },
      &s, at);
  return s.result;
}
JC_DEV float shfl_xor(float v, int mask, JC_HERE) { return shuffle(v, (thread_id() & 31) ^ mask, at); }
JC_DEV double shfl_xor(double v, int mask, JC_HERE) { return shuffle(v, (thread_id() & 31) ^ mask, at); }
JC_DEV float shfl(float v, int lane, JC_HERE) { return shuffle(v, lane, at); }

JC_DEV uint32_t shared_base() { return 0; }
template <class T>
void sts(uint32_t a, T v, JC_HERE) {
  emu::shared_write(a, &v, sizeof v, at);
}
template <class T>
T lds_as(uint32_t a, const emu::Site& at) {
  T v;
  emu::shared_read(a, &v, sizeof v, at);
  return v;
}
JC_DEV float lds_f32(uint32_t a, JC_HERE) { return lds_as<float>(a, at); }
JC_DEV double lds_f64(uint32_t a, JC_HERE) { return lds_as<double>(a, at); }
JC_DEV uint4 lds128(uint32_t a, JC_HERE) { return lds_as<uint4>(a, at); }
JC_DEV uint4 ldg128(const void* p, JC_HERE) {
  emu::check_aligned(p, 16, at);
  uint4 v;
  std::memcpy(&v, p, 16);
  return v;
}
JC_DEV uint4 ldg128_once(const void* p, JC_HERE) { return ldg128(p, at); }
JC_DEV void stg128(void* p, uint4 v, JC_HERE) {
  emu::check_aligned(p, 16, at);
  std::memcpy(p, &v, 16);
}
JC_DEV void stg64(void* p, uint32_t low, uint32_t high, JC_HERE) {
  emu::check_aligned(p, 8, at);
  const uint32_t v[2] = {low, high};
  std::memcpy(p, v, 8);
}

JC_DEV void copy_async16(uint32_t to, const void* from, bool valid, JC_HERE) {
  emu::copy_async(to, from, 16, valid, at);
}
JC_DEV void copy_commit() { emu::copy_commit(); }
template <int LEFT>
void copy_wait(JC_HERE) {
  emu::copy_wait(LEFT, at);
}

// Lane l gives the address of row l % 8 of matrix l / 8 and receives of each matrix the pair (row l / 4, columns 2 (l %
// 4), + 1); transposed: (rows 2 (l % 4), + 1, column l / 4).
struct MatrixLoad {
  uint32_t address;
  uint32_t result[4];
  bool transposed;
  emu::Site at;
};
JC_DEV void load_matrices(uint32_t (&r)[4], uint32_t a, bool transposed, const emu::Site& at) {
  MatrixLoad m{a, {}, transposed, at};
  emu::meet(
      [](void* const* o) {
        uint16_t matrix[4][8][8];
        for (unsigned l = 0; l < 32; ++l) {
          const auto* lane = static_cast<const MatrixLoad*>(o[l]);
          emu::shared_read_as(l, lane->address, matrix[l / 8][l % 8], 16, lane->at);
        }
        for (unsigned l = 0; l < 32; ++l) {
          auto* lane = static_cast<MatrixLoad*>(o[l]);
          const unsigned g = l / 4, t = l % 4;
          for (int i = 0; i < 4; ++i) {
            const uint16_t low = lane->transposed ? matrix[i][2 * t][g] : matrix[i][g][2 * t];
            const uint16_t high = lane->transposed ? matrix[i][2 * t + 1][g] : matrix[i][g][2 * t + 1];
            lane->result[i] = uint32_t(low) | uint32_t(high) << 16;
          }
        }
      },
      &m, at);
  for (int i = 0; i < 4; ++i) r[i] = m.result[i];
}
JC_DEV void ldmatrix(uint32_t (&r)[4], uint32_t a, JC_HERE) { load_matrices(r, a, false, at); }
JC_DEV void ldmatrix_transposed(uint32_t (&r)[4], uint32_t a, JC_HERE) { load_matrices(r, a, true, at); }

JC_DEV float bits_to_float(uint32_t v) {
  float f;
  std::memcpy(&f, &v, 4);
  return f;
}

// c += a b for a 16x16, b 16x8; with g = lane / 4, t = lane % 4 (low half of a register first):
//   a[0] (g, 2t..)   a[1] (g + 8, 2t..)   a[2] (g, 2t + 8..)   a[3] (g + 8, 2t + 8..)
//   b[0] (2t.., g)   b[1] (2t + 8.., g)   c[0], c[1] (g, 2t..)   c[2], c[3] (g + 8, 2t..)
struct Product {
  float* c;
  const uint32_t* a;
  uint32_t b[2];
};
JC_DEV void mma(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1, JC_HERE) {
  Product p{c, a, {b0, b1}};
  emu::meet(
      [](void* const* o) {
        float x[16][16], y[16][8];
        for (int l = 0; l < 32; ++l) {
          const auto* lane = static_cast<const Product*>(o[l]);
          const int g = l / 4, t = l % 4;
          for (int i = 0; i < 4; ++i)
            for (int h = 0; h < 2; ++h) {
              const uint32_t bits = h ? lane->a[i] & 0xffff0000u : lane->a[i] << 16;
              x[g + 8 * (i & 1)][2 * t + 8 * (i >> 1) + h] = bits_to_float(bits);
            }
          for (int i = 0; i < 2; ++i)
            for (int h = 0; h < 2; ++h)
              y[2 * t + 8 * i + h][g] = bits_to_float(h ? lane->b[i] & 0xffff0000u : lane->b[i] << 16);
        }
        for (int l = 0; l < 32; ++l) {
          const auto* lane = static_cast<const Product*>(o[l]);
          const int g = l / 4, t = l % 4;
          for (int e = 0; e < 4; ++e) {
            float sum = lane->c[e];
            for (int k = 0; k < 16; ++k) sum += x[g + 8 * (e >> 1)][k] * y[k][2 * t + (e & 1)];
            lane->c[e] = sum;
          }
        }
      },
      &p, at);
}

JC_DEV uint32_t round_bf16(float f) {
  uint32_t u;
  std::memcpy(&u, &f, 4);
  if (f != f) return 0x7fff;
  return (u + 0x7fff + (u >> 16 & 1)) >> 16;
}
JC_DEV uint32_t pack(float low, float high) { return round_bf16(low) | round_bf16(high) << 16; }
JC_DEV float ex2(float x) {
  const float y = std::exp2(x);
  return y < 1.17549435e-38f ? 0.f : y;
}
JC_DEV float reciprocal(float x) {
  const float y = 1.f / x;
  return std::fabs(y) < 1.17549435e-38f ? 0.f : y;
}
JC_DEV float fma_(float a, float b, float c) { return std::fma(a, b, c); }
JC_DEV float max_(float a, float b) { return std::fmax(a, b); }
JC_DEV float min_(float a, float b) { return std::fmin(a, b); }
JC_DEV float sqrt_(float a) { return std::sqrt(a); }
JC_DEV float exp_(float a) { return std::exp(a); }
JC_DEV float log_(float a) { return std::log(a); }
JC_DEV float log1p_(float a) { return std::log1p(a); }
JC_DEV float erf_(float a) { return std::erf(a); }

using Stream = void*;

template <class... P, class... A>
int32_t launch(void (*kernel)(P...), dim3 grid, unsigned threads, uint32_t shared, Stream, A... args) {
  return emu::run_grid({grid.x, grid.y, grid.z}, {threads, 1, 1}, shared, [&] { kernel(args...); }) ? 0 : 1999;
}

}  // namespace jc
