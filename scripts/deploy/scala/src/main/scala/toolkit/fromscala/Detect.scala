package toolkit.fromscala

import scala.jdk.CollectionConverters._
import scala.util.Using

import toolkit.{Box, Network, Picture, Preparation, Program}

/** Prints the boxes that a detector finds in a picture, best first. */
object Detect {
  def main(arguments: Array[String]): Unit =
    Program.run(arguments, 2, "Detect PREFIX PICTURE [THRESHOLD]", words => {
      val threshold = Program.number(words, 2, 0.5)
      Using.resource(new Network(words.get(0))) { network =>
        val picture = Preparation.prepare(network.manifest, Picture.read(words.get(1)))
        for (box <- Box.read(network.run(java.util.List.of(picture))).asScala)
          if (box.label >= 0 && box.score > threshold) box.print(network.manifest)
      }
    })
}
