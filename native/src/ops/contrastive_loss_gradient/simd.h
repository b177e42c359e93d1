// Gradient of the contrastive loss over vectors, block of the plane by block: the similarities are computed once more, tile by tile, and
// become G, the gradient with respect to them, in a block that lies in the caches; then d_image += G texts and d_text += G^T images by
// the product, in ascending order of blocks.
//
// softmax: G[i, j] = P + Q, P = exp(z[i, j] - lse of row i), Q alike by column; lse is carried in two floats, so that the exponent is as
// good as z. G[i, i] = expm1(-row loss) + expm1(-column loss) instead of P + Q - 2. The scale's gradient is the sum of
// P (z[i, j] - z[i, i]) + Q (z[i, j] - z[j, j]): the rows of P less 1 at the pair add up to 0, so that large similarities do not cancel.
// sigmoid: G[i, j] = logistic(z), G[i, i] = -logistic(-z).
#pragma once

#include <cmath>

#include "ops/contrastive_loss/tile.h"
#include "ops/contrastive_loss_gradient/contrastive_loss_gradient.h"

namespace jc {
namespace {

using Multiply = void (*)(const jc_context*, const Product&, void* workspace, int64_t workspace_bytes);

// log sum exp of a row or column = high + low.
struct LogSums {
  float* high;
  float* low;
  void set(int64_t i, double value) const {
    high[i] = static_cast<float>(value);
    low[i] = static_cast<float>(value - static_cast<double>(high[i]));
  }
};

struct GradientArrays {
  float* own;       // z[i, i]
  float* diagonal;  // G[i, i]
  LogSums rows;
  LogSums columns;
  double* log_scale;  // sums of the tasks of a block
  double* bias;
  float* block;
  float* outputs;
  float* texts;
  float* images;
  float* slots;
};

inline GradientArrays arrays_of(const GradientMemory& m, float* at) {
  float* totals = at + 6 * m.padded;
  float* block = totals + lines(4 * m.totals);
  float* outputs = block + m.block;
  double* sums = reinterpret_cast<double*>(totals);
  return {at,
          at + m.padded,
          {at + 2 * m.padded, at + 3 * m.padded},
          {at + 4 * m.padded, at + 5 * m.padded},
          sums,
          sums + m.totals,
          block,
          outputs,
          outputs + m.outputs,
          outputs + m.outputs + m.inputs,
          at + m.shared};
}

// e^x, or 0 where that is below the normal numbers, which some machines multiply slowly.
template <class V>
typename V::Float exp_or_zero(typename V::Float x) {
  return V::if_negative(V::add(x, V::set(87.0f)), V::zero(), V::exp(x));
}

// What a tile adds to the gradients of the scalars.
struct TileSums {
  double log_scale;
  double bias;
};

template <class V>
TileSums softmax_tile(const Tile& tile, const GradientArrays& arrays, float* g, int64_t stride) {
  constexpr int64_t kLanes = V::kWidth, kColumns = 2 * kLanes;
  using Float = typename V::Float;
  Float sum[2] = {V::zero(), V::zero()};
  for (int64_t half = 0; half < 2; ++half) {
    int64_t column = tile.column + half * kLanes, n = tile.columns - half * kLanes;
    if (n <= 0) break;
    Float high = V::load(arrays.columns.high + column), low = V::load(arrays.columns.low + column);
    Float own = V::load(arrays.own + column);
    for (int64_t i = 0; i < tile.rows; ++i) {
      int64_t row = tile.row + i;
      Float z = V::load(tile.z + i * kColumns + half * kLanes);
      Float p = V::sub(V::sub(z, V::set(arrays.rows.high[row])), V::set(arrays.rows.low[row]));
      Float q = V::sub(V::sub(z, high), low);
      p = exp_or_zero<V>(p);
      q = exp_or_zero<V>(q);
      sum[0] = V::fma(p, V::sub(z, V::set(arrays.own[row])), sum[0]);
      sum[1] = V::fma(q, V::sub(z, own), sum[1]);
      V::store(g + i * stride + half * kLanes, V::add(p, q), n);
    }
  }
  return {static_cast<double>(V::sum(sum[0])) + static_cast<double>(V::sum(sum[1])), 0};
}

template <class V>
TileSums sigmoid_tile(const Tile& tile, float bias, float* g, int64_t stride) {
  constexpr int64_t kLanes = V::kWidth, kColumns = 2 * kLanes;
  using Float = typename V::Float;
  Float sum = V::zero(), plain = V::zero(), one = V::set(1.0f);
  for (int64_t half = 0; half < 2; ++half) {
    int64_t n = tile.columns - half * kLanes;
    if (n <= 0) break;
    for (int64_t i = 0; i < tile.rows; ++i) {
      Float z = V::load(tile.z + i * kColumns + half * kLanes);
      Float e = exp_or_zero<V>(V::negate(V::abs(z)));
      Float y = V::div(V::if_negative(z, e, one), V::add(one, e));
      sum = V::fma(y, V::sub(z, V::set(bias)), sum);
      plain = V::add(plain, y);
      V::store(g + i * stride + half * kLanes, y, n);
    }
  }
  return {static_cast<double>(V::sum(sum)), static_cast<double>(V::sum(plain))};
}

// What is known of each pair before the plane is visited; returns the pairs' own share of the scalars' gradients.
inline TileSums prepare(const jc_contrastive_loss_gradient_args* a, const Pairs& p, const GradientArrays& arrays) {
  TileSums sums{0, 0};
  for (int64_t i = a->rows; i < round_up(a->rows, 32); ++i) {  // read with the last panel, times 0
    arrays.own[i] = arrays.columns.high[i] = arrays.columns.low[i] = 0;
  }
  for (int64_t i = 0; i < a->rows; ++i) {
    if (a->kind == JC_SIGMOID_LOSS) {
      double own = static_cast<double>(arrays.own[i]), g = -ref::logistic(-own);
      arrays.diagonal[i] = static_cast<float>(g);
      sums.log_scale += g * (own - static_cast<double>(p.bias));
      sums.bias += g;
    } else {
      double own = static_cast<double>(a->statistics[i]);
      double row = loss_at(a->statistics, a->rows, 1, i);
      double column = loss_at(a->statistics, a->rows, 2, i);
      arrays.own[i] = a->statistics[i];
      arrays.rows.set(i, own + row);
      arrays.columns.set(i, own + column);
      arrays.diagonal[i] = static_cast<float>(std::expm1(-row) + std::expm1(-column));
    }
  }
  return sums;
}

// G in tile layout: rows of the block, or its columns.
struct Block {
  const float* g;
  int64_t stride;
  int64_t rows;
  int64_t columns;
};

template <class W>
void gather_block_rows(const void* source, int64_t first, int64_t count, float* tile) {
  const Block& b = *static_cast<const Block*>(source);
  for (int64_t i = 0; i < count; ++i) put_run<W>(tile, count, i, 0, b.g + (first + i) * b.stride, b.columns);
}

template <class V>
void gather_block_columns(const void* source, int64_t first, int64_t count, float* tile) {
  constexpr int64_t kLanes = V::kWidth;
  const Block& b = *static_cast<const Block*>(source);
  for (int64_t k = 0; k < b.rows; k += kLanes) {
    // A chunk of kChunk k is `count` lines; a vector may be half a line.
    float* to = tile + (k / kChunk * count) * kChunk + k % kChunk;
    V::transpose(b.g + k * b.stride + first, b.stride, b.rows - k, count, to, kChunk);
  }
}

template <class V, class W, int Most>
struct BlockGradient {
  static constexpr int64_t kColumns = 2 * V::kWidth;
  jc_context* context;
  const jc_contrastive_loss_gradient_args* a;
  const Pairs& p;
  const GradientMemory& m;
  const GradientArrays& arrays;
  Multiply multiply;
  int64_t threads;
  float factor;

  // A block's texts, for the similarities and for d_image.
  void pack_texts(int64_t first, int64_t count) const {
    int64_t outputs = ceil_div(count, kColumns), inputs = ceil_div(p.width, kColumns);
    parallel(context, threads, outputs + inputs, [&](int64_t task, int64_t) {
      if (task < outputs) {
        int64_t at = task * kColumns, n = count - at < kColumns ? count - at : kColumns;
        pack_outputs<V>(p.text, first + at, n, p.width, arrays.outputs + at * p.width);
      } else {
        pack_inputs<V>(p.text, first, count, p.width, task - outputs, factor, arrays.texts);
      }
    });
  }

  // A block's images, for d_text.
  void pack_images(int64_t first, int64_t count) const {
    parallel(context, threads, ceil_div(p.width, kColumns), [&](int64_t panel, int64_t) {
      pack_inputs<V>(p.image, first, count, p.width, panel, factor, arrays.images);
    });
  }

  // Fills the block; adds to the scalars' sums in the order of the tasks.
  void fill(const Plane& plane, TileSums* sums) const {
    int64_t tiles = ceil_div(plane.rows, Most), tasks = ceil_div(tiles, kTaskTiles);
    parallel(context, threads, tasks, [&](int64_t task, int64_t slot) {
      float *gathered = arrays.slots + slot * m.slot, *z = gathered + m.gathered;
      TileSums own{0, 0};
      for_tiles<V, W, Most>(p, plane, share(tiles, tasks, task), share(tiles, tasks, task + 1), gathered, z,
                            [&](const Tile& tile) {
                              TileSums s = fill_tile(plane, tile);
                              own.log_scale += s.log_scale;
                              own.bias += s.bias;
                            });
      arrays.log_scale[task] = own.log_scale;
      arrays.bias[task] = own.bias;
    });
    for (int64_t task = 0; task < tasks; ++task) {
      sums->log_scale += arrays.log_scale[task];
      sums->bias += arrays.bias[task];
    }
  }

  TileSums fill_tile(const Plane& plane, const Tile& tile) const {
    float* g = arrays.block + (tile.row - plane.first_row) * m.stride + (tile.column - plane.first_column);
    TileSums sums = a->kind == JC_SIGMOID_LOSS ? sigmoid_tile<V>(tile, p.bias, g, m.stride)
                                               : softmax_tile<V>(tile, arrays, g, m.stride);
    for (int64_t i = 0; i < tile.rows; ++i) {
      int64_t own = tile.row + i - tile.column;
      if (own >= 0 && own < tile.columns) g[i * m.stride + own] = arrays.diagonal[tile.row + i];
    }
    return sums;
  }

  // d[0 .. rows) = gathered block times packed, plus what is there unless it is the first.
  void product(const Block& block, void (*gather)(const void*, int64_t, int64_t, float*), const float* packed,
               int64_t rows, int64_t k, bool first, float* d) const {
    Product q{};
    q.gather = gather;
    q.source = &block;
    q.packed = packed;
    q.residual = first ? nullptr : d;
    q.y = d;
    q.rows = rows;
    q.n = p.width;
    q.k = k;
    q.ld_residual = q.ldy = p.width;
    q.activation = JC_IDENTITY;
    multiply(context, q, arrays.slots, threads * m.slot * 4);
  }

  // All blocks with the texts [first_column, first_column + columns).
  void run(int64_t first_column, int64_t columns, TileSums* sums) const {
    pack_texts(first_column, columns);
    for (int64_t i = 0; i < m.blocks.count; ++i) {
      int64_t first_row = m.blocks.first(i), rows = m.blocks.size(i, p.rows);
      pack_images(first_row, rows);
      fill({first_row, rows, first_column, columns, arrays.outputs}, sums);
      Block block{arrays.block, m.stride, rows, columns};
      product(block, gather_block_rows<W>, arrays.texts, rows, columns, first_column == 0,
              a->d_image + first_row * p.width);
      product(block, gather_block_columns<V>, arrays.images, columns, rows, i == 0, a->d_text + first_column * p.width);
    }
  }
};

template <class V, class W, int Most>
int32_t contrastive_loss_gradient_simd(jc_context* context, const jc_contrastive_loss_gradient_args* a,
                                       Multiply multiply) {
  if (int32_t status = check_contrastive_loss_gradient(context, a); status != JC_OK) return status;
  Pairs p = pairs_of(a);
  GradientMemory m = gradient_memory(context, a->rows, a->width);
  GradientArrays arrays = arrays_of(m, static_cast<float*>(a->workspace));
  int64_t room = (a->workspace_bytes / 4 - m.shared) / m.slot, threads = parallel_width(context);
  threads = threads < room ? threads : room;
  double each = a->upstream / static_cast<double>(a->kind == JC_SIGMOID_LOSS ? a->rows : 2 * a->rows);
  float factor = static_cast<float>(each * static_cast<double>(p.scale));
  if (a->kind == JC_SIGMOID_LOSS) diagonal(context, p, threads, arrays.own);
  TileSums sums = prepare(a, p, arrays);
  BlockGradient<V, W, Most> block{context, a, p, m, arrays, multiply, threads, factor};
  for (int64_t j = 0; j < m.blocks.count; ++j) block.run(m.blocks.first(j), m.blocks.size(j, p.rows), &sums);
  if (a->d_log_scale != nullptr) *a->d_log_scale += static_cast<float>(each * sums.log_scale);
  if (a->d_bias != nullptr) *a->d_bias += static_cast<float>(each * sums.bias);
  return JC_OK;
}

}  // namespace
}  // namespace jc
