// Gathers windows of a picture as rows of a product, into panels of `Width` columns.
#pragma once

#include "ops/conv2d/conv2d.h"
#include "ops/gemm/put_run.h"

namespace jc {
namespace {

// One row of a window, `pixels` pixels at `from`, as k = [at, ...) of row i of a tile.
template <class V, int64_t Width>
void gather_pixels(const jc_conv2d_args* a, const float* from, int64_t pixels, float* tile, int64_t count, int64_t i,
                   int64_t at) {
  if (a->x_channel == 1 && a->x_column == a->channels) {
    put_run<V, Width>(tile, count, i, at, from, pixels * a->channels);
    return;
  }
  if (a->x_channel == 1) {
    for (int64_t u = 0; u < pixels; ++u, at += a->channels) {
      put_run<V, Width>(tile, count, i, at, from + u * a->x_column, a->channels);
    }
    return;
  }
  int64_t chunk = at / kChunk, inside = at % kChunk;
  float* to = chunk_place<Width>(tile, count, i, chunk) + inside;
  int64_t room = kChunk - inside;
  for (int64_t u = 0; u < pixels; ++u, from += a->x_column) {
    const float* value = from;
    for (int64_t c = 0; c < a->channels; ++c, value += a->x_channel) {
      *to++ = *value;
      if (--room == 0) {
        to = chunk_place<Width>(tile, count, i, ++chunk);
        room = kChunk;
      }
    }
  }
}

// The window at (top, left) as row i of a tile: each of its rows is zeros, pixels and zeros again.
template <class V, int64_t Width>
void gather_window(const jc_conv2d_args* a, const float* picture, int64_t top, int64_t left, float* tile, int64_t count,
                   int64_t i) {
  int64_t before = left < 0 ? -left : 0;
  int64_t after = left + a->kernel > a->width ? left + a->kernel - a->width : 0;
  int64_t pixels = a->kernel - before - after;
  int64_t row = a->kernel * a->channels, at = 0;
  for (int64_t v = top; v < top + a->kernel; ++v, at += row) {
    if (v < 0 || v >= a->height || pixels <= 0) {
      put_run<V, Width>(tile, count, i, at, nullptr, row);
      continue;
    }
    const float* from = picture + v * a->x_row + (left + before) * a->x_column;
    if (before > 0) put_run<V, Width>(tile, count, i, at, nullptr, before * a->channels);
    gather_pixels<V, Width>(a, from, pixels, tile, count, i, at + before * a->channels);
    if (after > 0)
      put_run<V, Width>(tile, count, i, at + (before + pixels) * a->channels, nullptr, after * a->channels);
  }
}

// Windows [first, first + count) as rows [at, at + count) of `rows`.
template <class V, int64_t Width>
void gather_windows_at(const jc_conv2d_args* a, int64_t first, int64_t count, float* panels, int64_t rows, int64_t at) {
  int64_t out_width = conv2d_out(a->width, a), out_height = conv2d_out(a->height, a);
  int64_t x = first % out_width, y = first / out_width % out_height;
  const float* picture = a->x + first / (out_width * out_height) * a->x_batch;
  // The pixels that the next call sees first, fetched while this one's are used.
  int64_t next = (a->kernel - 1 - a->padding) * (a->x_row + a->x_column) + count * a->stride * a->x_column;
  for (int64_t i = 0; i < count; ++i) {
    const float* ahead = picture + y * a->stride * a->x_row + x * a->stride * a->x_column + next;
    for (int64_t c = 0; c < a->channels && a->x_channel == 1; c += kChunk) V::prefetch(ahead + c);
    int64_t top = y * a->stride - a->padding, left = x * a->stride - a->padding;
    gather_window<V, Width>(a, picture, top, left, panels, rows, at + i);
    if (++x < out_width) continue;
    x = 0;
    if (++y < out_height) continue;
    y = 0;
    picture += a->x_batch;
  }
}

// As the rows of a tile.
template <class V>
void gather_windows(const void* source, int64_t first, int64_t count, float* tile) {
  gather_windows_at<V, kChunk>(static_cast<const jc_conv2d_args*>(source), first, count, tile, count, 0);
}

}  // namespace
}  // namespace jc
