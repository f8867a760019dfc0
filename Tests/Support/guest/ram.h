// A ring of pages in RAM that goes with the records, and the numbers that lie on the disks as RAM
// knows them. Included by writer.c only.
//
// Record n changes the pages of group n % groups. A page says the record that it is of, and its
// place in the ring; its other words follow from both: RAM of another instant than the counter, or
// of two instants, shows it. Before each write RAM's idea of what the disk has there is compared
// with what is read: disks older than RAM show it, and so do disks that are ahead.

#ifndef RAM_H
#define RAM_H

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "record.h"

enum { pageWords = 512, pagesPerGroup = 16 };

struct page {
  uint64_t number, place;
  uint64_t filling[pageWords - 2];
};

static struct page *ring;
static uint64_t ringGroups;
// The first record whose pages are in the ring; those of earlier ones have number 0.
static uint64_t ringFirst;

static uint64_t pageWord(const struct page *page, size_t word) {
  return page->number * 0x9e3779b97f4a7c15 + (page->place * pageWords + word) * 0xbf58476d1ce4e5b9;
}

static void makePage(uint64_t place, uint64_t number) {
  struct page *page = &ring[place];
  page->number = number;
  page->place = place;
  for (size_t word = 0; word < pageWords - 2; word++) page->filling[word] = pageWord(page, word);
}

// Returns whether there is as much memory.
static int fillRing(uint64_t mebibytes, uint64_t first) {
  ringFirst = first;
  ringGroups = mebibytes * (1 << 20) / sizeof(struct page) / pagesPerGroup;
  void *memory = mmap(NULL, ringGroups * pagesPerGroup * sizeof(struct page),
                      PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 0;
  ring = memory;
  for (uint64_t place = 0; place < ringGroups * pagesPerGroup; place++) makePage(place, 0);
  return 1;
}

static void turnRing(uint64_t number) {
  uint64_t first = number % ringGroups * pagesPerGroup;
  for (uint64_t page = 0; page < pagesPerGroup; page++) makePage(first + page, number);
}

// The newest record up to `counter` that has changed a group.
static uint64_t groupNumber(uint64_t group, uint64_t counter) {
  uint64_t back = (counter % ringGroups + ringGroups - group) % ringGroups;
  return counter >= back && counter - back >= ringFirst ? counter - back : 0;
}

static int isPageRight(uint64_t place, uint64_t number) {
  const struct page *page = &ring[place];
  if (page->number != number || page->place != place) return 0;
  for (size_t word = 0; word < pageWords - 2; word++)
    if (page->filling[word] != pageWord(page, word)) return 0;
  return 1;
}

// Returns how many pages are not what the counter says; of the first of them `wrong` is the place.
static uint64_t checkRing(uint64_t counter, uint64_t *wrong) {
  uint64_t count = 0;
  for (uint64_t place = 0; place < ringGroups * pagesPerGroup; place++)
    if (!isPageRight(place, groupNumber(place / pagesPerGroup, counter)) && count++ == 0)
      *wrong = place;
  return count;
}

#endif
