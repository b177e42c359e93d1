// Contrastive loss over vectors. A task is one block of the plane: it packs the block's texts, takes its images a cache-full at a time, and
// adds every tile into sums of its rows and columns while the tile lies in the first-level cache. The blocks' sums are merged in order.
//
// softmax: a sum is kept as sum over j of exp(z[j] - shift), the term of the pair itself left out; shift starts as the pair's own similarity
// and grows to the largest seen. Where nothing outweighs the pair (a saturated row) log1p(sum) is exact however small the sum is, and nothing
// overflows where it is outweighed.
// sigmoid: softplus summed in single precision within a tile, in double beyond.
// A loss over one set of vectors (NT-Xent) is the same tile with another place for the pair that belongs together.
#pragma once

#include <cmath>

#include "ops/contrastive_loss/tile.h"

namespace jc {
namespace {

// Sums of one task.
struct Sums {
  float* row_shift;     // of the gathered rows
  float* row_sum;       // of each: one vector
  float* column_shift;  // of the block's columns
  float* column_sum;
  int64_t first_row;     // of the gathered rows, in the batch
  int64_t first_column;  // of the block
};

// Raises the shifts of those rows in which the tile has something larger.
template <class V>
[[gnu::noinline]] void raise_rows(const Tile& tile, float* shift, float* sum) {
  constexpr int64_t kLanes = V::kWidth, kColumns = 2 * kLanes;
  for (int64_t i = 0; i < tile.rows; ++i) {
    const float* z = tile.z + i * kColumns;
    float largest = V::largest(V::max(V::load(z), V::load(z + kLanes)));
    if (largest > shift[i]) {
      V::store(sum + i * kLanes, V::mul(V::load(sum + i * kLanes), V::exp(V::set(shift[i] - largest))));
      shift[i] = largest;
    }
  }
}

template <class V>
void add_exponentials(const Tile& tile, const Sums& sums) {
  constexpr int64_t kLanes = V::kWidth, kColumns = 2 * kLanes;
  using Float = typename V::Float;
  float *shift = sums.row_shift + (tile.row - sums.first_row),
        *sum = sums.row_sum + (tile.row - sums.first_row) * kLanes;
  float* column_shift = sums.column_shift + (tile.column - sums.first_column);
  float* column_sum = sums.column_sum + (tile.column - sums.first_column);
  Float old0 = V::load(column_shift), old1 = V::load(column_shift + kLanes);
  Float shift0 = old0, shift1 = old1, above = V::set(kAbsent);
  for (int64_t i = 0; i < tile.rows; ++i) {
    Float z0 = V::load(tile.z + i * kColumns), z1 = V::load(tile.z + i * kColumns + kLanes);
    shift0 = V::max(shift0, z0);
    shift1 = V::max(shift1, z1);
    above = V::max(above, V::sub(V::max(z0, z1), V::set(shift[i])));
  }
  if (V::largest(above) > 0) raise_rows<V>(tile, shift, sum);
  Float sum0 = V::zero(), sum1 = V::zero();
  for (int64_t i = 0; i < tile.rows; ++i) {
    Float z0 = V::load(tile.z + i * kColumns), z1 = V::load(tile.z + i * kColumns + kLanes), row = V::set(shift[i]);
    Float here = V::add(V::exp(V::sub(z0, row)), V::exp(V::sub(z1, row)));
    V::store(sum + i * kLanes, V::add(V::load(sum + i * kLanes), here));
    sum0 = V::add(sum0, V::exp(V::sub(z0, shift0)));
    sum1 = V::add(sum1, V::exp(V::sub(z1, shift1)));
  }
  V::store(column_shift, shift0);
  V::store(column_shift + kLanes, shift1);
  V::store(column_sum, V::fma(V::load(column_sum), V::exp(V::sub(old0, shift0)), sum0));
  V::store(column_sum + kLanes, V::fma(V::load(column_sum + kLanes), V::exp(V::sub(old1, shift1)), sum1));
}

// log(1 + e) for e in [0, 1], as 2 atanh(t), t = e / (2 + e) <= 1/3: relative error of the cut series 3e-9.
template <class V>
typename V::Float log1p_of(typename V::Float e) {
  auto t = V::div(e, V::add(V::set(2.0f), e));
  auto square = V::mul(t, t);
  auto q = V::set(2.0f / 15);
  for (float c : {2.0f / 13, 2.0f / 11, 2.0f / 9, 2.0f / 7, 2.0f / 5, 2.0f / 3, 2.0f}) q = V::fma(q, square, V::set(c));
  return V::mul(q, t);
}

template <class V>
double sum_softplus(const Tile& tile) {
  typename V::Float sum0 = V::zero(), sum1 = V::zero();
  auto softplus = [](typename V::Float z) {
    return V::add(V::max(V::zero(), z), log1p_of<V>(V::exp(V::negate(V::abs(z)))));
  };
  for (int64_t i = 0; i < tile.rows; ++i) {
    const float* z = tile.z + i * 2 * V::kWidth;
    sum0 = V::add(sum0, softplus(V::load(z)));
    sum1 = V::add(sum1, softplus(V::load(z + V::kWidth)));
  }
  return static_cast<double>(V::sum(sum0)) + static_cast<double>(V::sum(sum1));
}

// The arrays in the shared part of the workspace.
struct Partials {
  float* own;           // [padded] z[i, i]
  float* row_shift;     // [blocks, padded], by block of columns
  float* row_sum;       // alike
  float* column_shift;  // [blocks, padded], by block of rows
  float* column_sum;    // alike
  double* totals;       // of the tasks
};

inline Partials partials_of(const LossMemory& m, float* at) {
  float* sums = at + m.padded;
  return {at,
          sums,
          sums + m.partial,
          sums + 2 * m.partial,
          sums + 3 * m.partial,
          reinterpret_cast<double*>(sums + 4 * m.partial)};
}

template <class V, class W, int Most>
struct LossTask {
  const Pairs& p;
  const LossMemory& m;
  const Partials& partials;
  int64_t kind;
  int64_t row_block;
  int64_t column_block;
  float* slot;

  void run() const {
    float *packed = slot, *gathered = packed + m.packed, *z = gathered + m.gathered;
    float *shift = z + lines(Most * 2 * V::kWidth), *sum = shift + lines(m.gathered_rows);
    int64_t columns = m.blocks.size(column_block, p.rows), first_column = m.blocks.first(column_block);
    Plane plane{m.blocks.first(row_block), m.blocks.size(row_block, p.rows), first_column, columns, packed};
    pack_outputs<V>(p.text, first_column, columns, p.width, packed);
    Sums sums{shift,
              sum,
              partials.column_shift + row_block * m.padded + first_column,
              partials.column_sum + row_block * m.padded + first_column,
              0,
              first_column};
    for (int64_t j = 0; j < round_up(columns, 2 * V::kWidth); ++j) {
      sums.column_shift[j] = j < columns ? partials.own[first_column + j] : 0;
      sums.column_sum[j] = 0;
    }
    double total = 0;
    int64_t tiles = ceil_div(plane.rows, Most), step = block_tiles(Most, p.width);
    for (int64_t first = 0; first < tiles; first += step) {
      int64_t last = first + step < tiles ? first + step : tiles;
      int64_t row = plane.first_row + share(plane.rows, tiles, first);
      int64_t end = plane.first_row + share(plane.rows, tiles, last);
      sums.first_row = row;
      if (kind == JC_SIGMOID_LOSS) {
        for_tiles<V, W, Most>(p, plane, first, last, gathered, z, [&](const Tile& t) { total += sum_softplus<V>(t); });
      } else {
        softmax_rows(plane, sums, first, last, row, end, gathered, z);
      }
    }
    partials.totals[row_block * m.blocks.count + column_block] = total;
  }

  void softmax_rows(const Plane& plane, const Sums& sums, int64_t first, int64_t last, int64_t row, int64_t end,
                    float* gathered, float* z) const {
    for (int64_t i = row; i < end; ++i) {
      sums.row_shift[i - row] = partials.own[i];
      V::store(sums.row_sum + (i - row) * V::kWidth, V::zero());
    }
    for_tiles<V, W, Most>(p, plane, first, last, gathered, z, [&](const Tile& t) { add_exponentials<V>(t, sums); });
    for (int64_t i = row; i < end; ++i) {
      partials.row_shift[column_block * m.padded + i] = sums.row_shift[i - row];
      partials.row_sum[column_block * m.padded + i] = V::sum(V::load(sums.row_sum + (i - row) * V::kWidth));
    }
  }
};

// log sum exp less the pair's own similarity, from the blocks' shifts and sums.
inline double cross_entropy(const LossMemory& m, const float* shifts, const float* sums, int64_t i, float own) {
  float shift = own;
  for (int64_t b = 0; b < m.blocks.count; ++b)
    shift = shifts[b * m.padded + i] > shift ? shifts[b * m.padded + i] : shift;
  double sum = 0;
  for (int64_t b = 0; b < m.blocks.count; ++b)
    sum += static_cast<double>(sums[b * m.padded + i] * std::exp(shifts[b * m.padded + i] - shift));
  double less = static_cast<double>(own) - static_cast<double>(shift);
  return std::log1p(sum + std::expm1(less)) - less;
}

// Merges the blocks' sums in order, some rows a task; returns the loss.
inline double finish_softmax(jc_context* context, const jc_contrastive_loss_args* a, const LossMemory& m,
                             int64_t threads, const Partials& partials) {
  int64_t tasks = ceil_div(a->rows, kRowsOfTask);
  parallel(context, threads, tasks, [&](int64_t task, int64_t) {
    int64_t first = task * kRowsOfTask, last = first + kRowsOfTask < a->rows ? first + kRowsOfTask : a->rows;
    double sum = 0;
    for (int64_t i = first; i < last; ++i) {
      float own = partials.own[i];
      double row = cross_entropy(m, partials.row_shift, partials.row_sum, i, own);
      double column = cross_entropy(m, partials.column_shift, partials.column_sum, i, own);
      a->statistics[i] = own;
      set_loss(a->statistics, a->rows, 1, i, row);
      set_loss(a->statistics, a->rows, 2, i, column);
      sum += 0.5 * (row + column);
    }
    partials.totals[task] = sum;
  });
  double sum = 0;
  for (int64_t task = 0; task < tasks; ++task) sum += partials.totals[task];
  return sum / static_cast<double>(a->rows);
}

inline double finish_sigmoid(const jc_contrastive_loss_args* a, const LossMemory& m, const Partials& partials) {
  double sum = 0;
  for (int64_t b = 0; b < m.blocks.count * m.blocks.count; ++b) sum += partials.totals[b];
  for (int64_t i = 0; i < a->rows; ++i) sum += ref::softplus(-static_cast<double>(partials.own[i]));
  for (int64_t i = 0; i < 5 * a->rows; ++i) a->statistics[i] = 0;
  return sum / static_cast<double>(a->rows);
}

template <class V, class W, int Most>
int32_t contrastive_loss_simd(jc_context* context, const jc_contrastive_loss_args* a) {
  if (int32_t status = check_contrastive_loss(context, a); status != JC_OK) return status;
  Pairs p = pairs_of(a);
  LossMemory m = loss_memory(context, a->rows, a->width);
  float* memory = static_cast<float*>(a->workspace);
  Partials partials = partials_of(m, memory);
  int64_t room = (a->workspace_bytes / 4 - m.shared) / m.slot, threads = parallel_width(context);
  threads = threads < room ? threads : room;
  diagonal(context, p, threads, partials.own);
  parallel(context, threads, m.blocks.count * m.blocks.count, [&](int64_t task, int64_t slot) {
    LossTask<V, W, Most>{
        p, m, partials, a->kind, task / m.blocks.count, task % m.blocks.count, memory + m.shared + slot * m.slot}
        .run();
  });
  double loss =
      a->kind == JC_SIGMOID_LOSS ? finish_sigmoid(a, m, partials) : finish_softmax(context, a, m, threads, partials);
  *a->loss = static_cast<float>(loss);
  return JC_OK;
}

}  // namespace
}  // namespace jc
