// All that a kernel of jclip may use of the machine. Under nvcc a function is one PTX instruction (dev_ptx.cuh); under
// a host compiler it is a call into the emulator (emu/dev_host.h). Kernels themselves have no #ifdef and no inline PTX,
// and address shared memory by bytes from shared_base().
#pragma once
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>

#if defined(__CUDACC__)
#include "dev_ptx.cuh"
#else
#include "emu/dev_host.h"
#endif
#include "include/jclip_cuda.h"

namespace jc {

using bf16 = jc_bf16;

constexpr float kLog2e = 1.4426950408889634f;
#define JC_INFINITY __builtin_huge_valf()
#define JC_NAN __builtin_nanf("")

JC_DEV float low(uint32_t pair) { return bits_to_float(pair << 16); }
JC_DEV float high(uint32_t pair) { return bits_to_float(pair & 0xffff0000u); }
JC_DEV float to_float(bf16 v) { return bits_to_float(uint32_t(v) << 16); }

// ---- 16 bytes as numbers: 8 bf16 or 4 float ----

JC_DEV void unpack(float (&f)[8], uint4 v) {
  const uint32_t u[4] = {v.x, v.y, v.z, v.w};
  JC_UNROLL
  for (int i = 0; i < 4; ++i) f[2 * i] = low(u[i]), f[2 * i + 1] = high(u[i]);
}
JC_DEV void unpack(float (&f)[4], uint4 v) {
  f[0] = bits_to_float(v.x), f[1] = bits_to_float(v.y), f[2] = bits_to_float(v.z), f[3] = bits_to_float(v.w);
}
JC_DEV uint4 packed(const float (&f)[8]) {
  return uint4{pack(f[0], f[1]), pack(f[2], f[3]), pack(f[4], f[5]), pack(f[6], f[7])};
}
JC_DEV uint32_t float_bits(float f) {
  union {
    float f;
    uint32_t u;
  } x{f};
  return x.u;
}
JC_DEV uint4 packed(const float (&f)[4]) {
  return uint4{float_bits(f[0]), float_bits(f[1]), float_bits(f[2]), float_bits(f[3])};
}

// Values of a storage type in 16 bytes.
template <class T>
constexpr int kPer16 = 16 / int(sizeof(T));

// ---- reductions in fixed order: every lane gets the same bits ----

JC_DEV float warp_sum(float v) {
  JC_UNROLL
  for (int m = 16; m; m >>= 1) v += shfl_xor(v, m);
  return v;
}
JC_DEV double warp_sum(double v) {
  JC_UNROLL
  for (int m = 16; m; m >>= 1) v += shfl_xor(v, m);
  return v;
}
JC_DEV float warp_max(float v) {
  JC_UNROLL
  for (int m = 16; m; m >>= 1) v = max_(v, shfl_xor(v, m));
  return v;
}
// Over the four lanes that hold a row of an accumulator.
JC_DEV float quad_sum(float v) {
  v += shfl_xor(v, 1);
  return v + shfl_xor(v, 2);
}
JC_DEV float quad_max(float v) {
  v = max_(v, shfl_xor(v, 1));
  return max_(v, shfl_xor(v, 2));
}

// ---- tiles in shared memory: rows of 64 bf16 = 128 bytes = all 32 banks ----

// Byte offset of the 16-byte chunk `chunk` (0..7) of a row. The XOR spreads eight rows of one chunk over eight bank
// groups, so that ldmatrix, 16-byte copies and 16-byte reads meet no conflict.
JC_DEV uint32_t swizzled(uint32_t row, uint32_t chunk) { return row * 128u + ((chunk ^ (row & 7u)) << 4); }

// Operands of mma (m16n8k16; g = lane / 4, t = lane % 4, low half of a register first):
//
//        A: 16 x 16 (row, depth)          B: 16 x 8 (depth, column)      C: 16 x 8 (row, column)
//        depth 2t,+1     2t+8,+9
//   row g      a0          a2             depth 2t,+1    column g: b0    row g     columns 2t, +1: c0 c1
//   row g+8    a1          a3             depth 2t+8,+9  column g: b1    row g+8   columns 2t, +1: c2 c3
//
// "C is A": two neighbouring C tiles, rounded to bf16, are the A operand of one 16-deep step (as_operand below), so
// probabilities go from one product into the next without leaving the registers.

// A from rows [first, first + 16) and depth [16 step, + 16) of a swizzled tile.
JC_DEV void load_a(uint32_t (&a)[4], uint32_t tile, int first, int step, int lane) {
  ldmatrix(a, tile + swizzled(uint32_t(first + (lane & 15)), uint32_t(step * 2 + (lane >> 4))));
}
// B of two column tiles from a tile stored [column][depth]: columns [first, + 8) in b[0], b[1] and [first + 8, + 8) in
// b[2], b[3].
JC_DEV void load_b(uint32_t (&b)[4], uint32_t tile, int first, int step, int lane) {
  ldmatrix(b, tile + swizzled(uint32_t(first + (lane & 7) + (lane >> 4) * 8), uint32_t(step * 2 + ((lane >> 3) & 1))));
}
// B of two column tiles from a tile stored [depth][column]: depth [first, + 16), columns [16 step, + 8) and the 8 after
// them.
JC_DEV void load_b_transposed(uint32_t (&b)[4], uint32_t tile, int first, int step, int lane) {
  ldmatrix_transposed(b, tile + swizzled(uint32_t(first + (lane & 15)), uint32_t(step * 2 + (lane >> 4))));
}
JC_DEV void as_operand(uint32_t (&a)[4], const float (&left)[4], const float (&right)[4]) {
  a[0] = pack(left[0], left[1]);
  a[1] = pack(left[2], left[3]);
  a[2] = pack(right[0], right[1]);
  a[3] = pack(right[2], right[3]);
}

// c += a b^T over one stage of 64 deep swizzled tiles: rows [row, + 16 M) of s_a, rows [column, + 16 N) of s_b.
template <int M, int N>
JC_DEV void multiply(float (&c)[M][2 * N][4], uint32_t s_a, int row, uint32_t s_b, int column, int lane) {
  JC_UNROLL
  for (int step = 0; step < 4; ++step) {
    uint32_t a[M][4];
    JC_UNROLL
    for (int m = 0; m < M; ++m) load_a(a[m], s_a, row + m * 16, step, lane);
    JC_UNROLL
    for (int n = 0; n < N; ++n) {
      uint32_t b[4];
      load_b(b, s_b, column + n * 16, step, lane);
      JC_UNROLL
      for (int m = 0; m < M; ++m) {
        mma(c[m][2 * n], a[m], b[0], b[1]);
        mma(c[m][2 * n + 1], a[m], b[2], b[3]);
      }
    }
  }
}

// ---- launchers ----

inline Stream stream_of(jc_context* context) {
  return static_cast<Stream>(reinterpret_cast<jc_cuda_context*>(context)->stream);
}

[[gnu::format(printf, 3, 4)]] inline int32_t fail(jc_context* context, int32_t status, const char* format, ...) {
  va_list list;
  va_start(list, format);
  std::vsnprintf(context->message, sizeof context->message, format, list);
  va_end(list);
  return status;
}
// Passes a launch's status on, with the kernel's name in the message.
inline int32_t launched(jc_context* context, int32_t status, const char* kernel) {
  return status == JC_OK
             ? JC_OK
             : fail(context, status, "%s: the launch failed with CUDA error %d", kernel, int(status - 1000));
}
inline bool aligned(const void* p, size_t bytes = 16) { return reinterpret_cast<uintptr_t>(p) % bytes == 0; }

}  // namespace jc
