// sum = x + residual;  y = (sum - mean) / sqrt(variance + epsilon) * weight + bias, biased variance, row by row.
//
// A warp takes a row and keeps it in registers: mean first, then the sum of squared differences from it, so that a
// large mean costs no digits. Lane l holds the 16-byte pieces l, l + 32, ... of the row. Rows are dealt out to a fixed
// grid; nothing is shared between rows.
//
// Data movement: x and residual read once, sum and y written once: bf16 8 bytes an element (4 without residual), fp32
// 16 (8). Budget: at width 768 a lane has 6 loads of 16 bytes in flight, 24 values, 64 registers: 32 warps an SM, 96 KB
// in flight. Floor: bytes over copy bandwidth; target 88 % of it. No shared memory. Weight and bias come from L1.
//
// Widths that are no multiple of 16 bytes, or above 2048, take the plain kernel, which reads its row three times.
#include "jc_dev.cuh"

namespace jc {
namespace {

template <class T>
struct Arguments {
  const T *x, *residual;
  const float *weight, *bias;
  T *sum, *y;
  float *mean, *rstd;
  const int64_t* live;
  int64_t rows;
  int width;
  float epsilon;
};

constexpr int kWarps = 8;

template <class T>
JC_DEV void clear_row(const Arguments<T>& p, int64_t row, int lane) {
  for (int i = lane; i < p.width; i += 32) {
    p.y[row * p.width + i] = T(0);
    if (p.sum) p.sum[row * p.width + i] = T(0);
  }
  if (lane == 0 && p.mean) p.mean[row] = 0.f;
  if (lane == 0 && p.rstd) p.rstd[row] = 0.f;
}

// Blocks an SM, from the values that a lane holds: what keeps loads in flight without spilling.
template <class T>
constexpr int blocks_for(int values) {
  if (kPer16<T> == 8) return values <= 16 ? 5 : values <= 24 ? 4 : values <= 48 ? 2 : 1;
  return values <= 8 ? 5 : values <= 16 ? 3 : values <= 24 ? 2 : 1;
}

template <class T, int PIECES>
JC_KERNEL(kWarps * 32, blocks_for<T>(PIECES* kPer16<T>))
layer_norm_rows(const Arguments<T> p) {
  constexpr int kPiece = kPer16<T>;
  const int lane = thread_id() & 31;
  const int64_t live = p.live ? *p.live : p.rows;
  for (int64_t row = int64_t(block_x()) * kWarps + (thread_id() >> 5); row < p.rows;
       row += int64_t(grid_x()) * kWarps) {
    if (row >= live) {
      clear_row(p, row, lane);
      continue;
    }
    float s[PIECES][kPiece];
    uint4 x[PIECES] = {}, r[PIECES] = {};
    JC_UNROLL
    for (int i = 0; i < PIECES; ++i) {
      const int column = (i * 32 + lane) * kPiece;
      if (column >= p.width) continue;
      x[i] = ldg128_once(p.x + row * p.width + column);
      if (p.residual) r[i] = ldg128_once(p.residual + row * p.width + column);
    }
    float total = 0.f;
    JC_UNROLL
    for (int i = 0; i < PIECES; ++i) {
      const int column = (i * 32 + lane) * kPiece;
      if (column >= p.width) continue;
      unpack(s[i], x[i]);
      if (p.residual) {
        float other[kPiece];
        unpack(other, r[i]);
        JC_UNROLL
        for (int e = 0; e < kPiece; ++e) s[i][e] += other[e];
        const uint4 rounded = packed(s[i]);
        unpack(s[i], rounded);  // the stored sum is what is normalised
        if (p.sum) stg128(p.sum + row * p.width + column, rounded);
      } else if (p.sum) {
        stg128(p.sum + row * p.width + column, x[i]);
      }
      JC_UNROLL
      for (int e = 0; e < kPiece; ++e) total += s[i][e];
    }
    const float mean = warp_sum(total) / float(p.width);
    float squares = 0.f;
    JC_UNROLL
    for (int i = 0; i < PIECES; ++i) {
      if ((i * 32 + lane) * kPiece >= p.width) continue;
      JC_UNROLL
      for (int e = 0; e < kPiece; ++e) {
        s[i][e] -= mean;
        squares = fma_(s[i][e], s[i][e], squares);
      }
    }
    const float rstd = 1.f / sqrt_(warp_sum(squares) / float(p.width) + p.epsilon);
    JC_UNROLL
    for (int i = 0; i < PIECES; ++i) {
      const int column = (i * 32 + lane) * kPiece;
      if (column >= p.width) continue;
      JC_UNROLL
      for (int q = 0; q < kPiece; q += 4) {
        float w[4], b[4];
        unpack(w, ldg128(p.weight + column + q));
        unpack(b, ldg128(p.bias + column + q));
        JC_UNROLL
        for (int e = 0; e < 4; ++e) s[i][q + e] = fma_(s[i][q + e] * rstd, w[e], b[e]);
      }
      stg128(p.y + row * p.width + column, packed(s[i]));
    }
    if (lane == 0 && p.mean) p.mean[row] = mean;
    if (lane == 0 && p.rstd) p.rstd[row] = rstd;
  }
}

// Any width, fp32. A lane reads only what it wrote itself, so sum and y may stand where x was.
JC_KERNEL(kWarps * 32, 1) layer_norm_plain(const Arguments<float> p) {
  const int lane = thread_id() & 31;
  const int64_t live = p.live ? *p.live : p.rows;
  for (int64_t row = int64_t(block_x()) * kWarps + (thread_id() >> 5); row < p.rows;
       row += int64_t(grid_x()) * kWarps) {
    if (row >= live) {
      clear_row(p, row, lane);
      continue;
    }
    const float* x = p.x + row * p.width;
    const float* r = p.residual ? p.residual + row * p.width : nullptr;
    float total = 0.f;
    for (int i = lane; i < p.width; i += 32) {
      const float s = r ? x[i] + r[i] : x[i];
      if (p.sum) p.sum[row * p.width + i] = s;
      total += s;
    }
    if (p.sum) x = p.sum + row * p.width, r = nullptr;
    const float mean = warp_sum(total) / float(p.width);
    float squares = 0.f;
    for (int i = lane; i < p.width; i += 32) {
      const float d = (r ? x[i] + r[i] : x[i]) - mean;
      squares = fma_(d, d, squares);
    }
    const float rstd = 1.f / sqrt_(warp_sum(squares) / float(p.width) + p.epsilon);
    for (int i = lane; i < p.width; i += 32)
      p.y[row * p.width + i] = fma_(((r ? x[i] + r[i] : x[i]) - mean) * rstd, p.weight[i], p.bias[i]);
    if (lane == 0 && p.mean) p.mean[row] = mean;
    if (lane == 0 && p.rstd) p.rstd[row] = rstd;
  }
}

template <class T>
int32_t launch_rows(const Arguments<T>& p, Stream stream) {
  const int64_t blocks = (p.rows + kWarps - 1) / kWarps;
  const dim3 grid(
      unsigned(blocks < 1056 ? blocks : 1056));  // 8 blocks for each of 132 SMs; a row's bits do not depend on it
  const int pieces = (p.width + 32 * kPer16<T> - 1) / (32 * kPer16<T>);
  if (pieces <= 1) return launch(layer_norm_rows<T, 1>, grid, kWarps * 32, 0, stream, p);
  if (pieces <= 2) return launch(layer_norm_rows<T, 2>, grid, kWarps * 32, 0, stream, p);
  if (pieces <= 3) return launch(layer_norm_rows<T, 3>, grid, kWarps * 32, 0, stream, p);
  if (pieces <= 4) return launch(layer_norm_rows<T, 4>, grid, kWarps * 32, 0, stream, p);
  if (pieces <= 6) return launch(layer_norm_rows<T, 6>, grid, kWarps * 32, 0, stream, p);
  if (pieces <= 8) return launch(layer_norm_rows<T, 8>, grid, kWarps * 32, 0, stream, p);
  if constexpr (kPer16<T> == 4) return launch(layer_norm_rows<T, 16>, grid, kWarps * 32, 0, stream, p);
  return JC_UNSUPPORTED;
}

}  // namespace
}  // namespace jc

extern "C" int32_t jc_layer_norm_bf16(jc_context* context, const jc_layer_norm_bf16_args* a) {
  using namespace jc;
  if (a->rows < 0 || a->width < 8 || a->width % 8 || a->width > 2048)
    return fail(context, JC_INVALID,
                "jc_layer_norm_bf16: rows %lld, width %lld; the width must be a multiple of 8, at most 2048",
                (long long)a->rows, (long long)a->width);
  if (!aligned(a->x) || !aligned(a->residual) || !aligned(a->weight) || !aligned(a->bias) || !aligned(a->sum) ||
      !aligned(a->y))
    return fail(context, JC_INVALID, "jc_layer_norm_bf16: pointers must be multiples of 16 bytes");
  if (a->rows == 0) return JC_OK;
  const Arguments<bf16> p{a->x,    a->residual, a->weight, a->bias, a->sum,        a->y,
                          a->mean, a->rstd,     a->live,   a->rows, int(a->width), float(a->epsilon)};
  return launched(context, launch_rows(p, stream_of(context)), "jc_layer_norm_bf16");
}

extern "C" int32_t jc_layer_norm(jc_context* context, const jc_layer_norm_args* a) {
  using namespace jc;
  if (a->rows < 0 || a->width < 1 || a->width > 0x7fffffff)
    return fail(context, JC_INVALID, "jc_layer_norm: rows %lld, width %lld", (long long)a->rows, (long long)a->width);
  if (a->rows == 0) return JC_OK;
  const Arguments<float> p{a->x,    a->residual, a->weight, a->bias, a->sum,        a->y,
                           nullptr, nullptr,     a->live,   a->rows, int(a->width), float(a->epsilon)};
  const bool wide = a->width % 4 == 0 && a->width <= 2048 && aligned(a->x) && aligned(a->residual) &&
                    aligned(a->weight) && aligned(a->bias) && aligned(a->sum) && aligned(a->y);
  const int64_t blocks = (a->rows + kWarps - 1) / kWarps;
  const int32_t status = wide ? launch_rows(p, stream_of(context))
                              : launch(layer_norm_plain, dim3(unsigned(blocks < 1056 ? blocks : 1056)), kWarps * 32, 0,
                                       stream_of(context), p);
  return launched(context, status, "jc_layer_norm");
}
