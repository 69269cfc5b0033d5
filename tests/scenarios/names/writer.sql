-- @ after the copy
UPDATE `select` SET `or``der` = 7, `100%s %(x)s` = 8 WHERE `from` = 1;
-- @ while replicating
INSERT INTO `select` (`from`, `a.b c`, `Ünï`) VALUES (3, 1, 2);
UPDATE `a.b ``c`` % 'd' "e"` SET `{}` = 2;
INSERT INTO `a_name_that_has_sixty_four_letters_and_that_nobody_should_give_x` VALUES (2, 2), (3, 3);
DELETE FROM `a_name_that_has_sixty_four_letters_and_that_nobody_should_give_x` WHERE `B` = 1;
ALTER TABLE `a.b ``c`` % 'd' "e"` ADD KEY (`{}`);
